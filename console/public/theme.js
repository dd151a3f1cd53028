// Before anything is drawn: the theme that was chosen here, or the system's.
try {
  const theme = localStorage.getItem("signalbox-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing follows the system.
}
