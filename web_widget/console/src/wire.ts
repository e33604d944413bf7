/** The frames and rows that the desk deals in. */
export type { Msg, QueueEnded, QueueOffered, Row, ServerFrame } from "@jieli/protocol";
