/** The wire between browser and server, without a DOM: frames, a socket that loses nothing, the HTTP calls. */
export * from "./frames.gen.ts";
export * from "./rows.ts";
export { newId, systemClock, type Clock } from "./clock.ts";
export { Emitter } from "./emitter.ts";
export { ApiError, Http, type HttpOptions } from "./http.ts";
export { type Entry, type OutboxState } from "./outbox.ts";
export { memoryStore, webStore, type Store } from "./storage.ts";
export type { Connection, ConnectionState, SocketLike } from "./link.ts";
export * from "./socket.ts";
export * from "./widget_api.ts";
export * from "./desk_api.ts";
export * from "./knowledge_api.ts";
