export * from "./model/retype";
export * from "./model/tree";
export * from "./model/words";
