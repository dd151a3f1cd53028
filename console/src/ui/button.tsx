import type { ButtonHTMLAttributes, ReactNode } from "react";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "plain" | "primary" | "danger" | "quiet";
  small?: boolean;
  icon?: boolean;
  children: ReactNode;
}

export function Button({ look = "plain", small, icon, className = "", type = "button", ...rest }: Props) {
  const names = [
    "btn",
    look !== "plain" && `btn-${look}`,
    small && "btn-small",
    icon && "btn-icon",
    className,
  ];
  return <button type={type} className={names.filter(Boolean).join(" ")} {...rest} />;
}
