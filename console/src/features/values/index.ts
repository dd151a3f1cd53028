export * from "./model/duration";
export * from "./model/template";
export * from "./model/variables";
