import "./ui/builder.css";

export { VerdictTree } from "./ui/condition-tree";
export { stepIcon } from "./ui/icons";
