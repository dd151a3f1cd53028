export { type GridSearch, gridSearch } from "./model/search";
export { ActiveSwitch } from "./ui/active-switch";
