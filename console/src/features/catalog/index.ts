export * from "./model/catalog";
export * from "./model/lookups";
