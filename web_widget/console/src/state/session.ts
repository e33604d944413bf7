import type { Agent } from "../lib/types";
import { useStore } from "./store";

export interface Rights {
  me: Agent;
  chats: boolean;
  supervises: boolean;
  edits: boolean;
}

/** Who is signed in and what the desk shows them; the server decides for itself. */
export function useSession(): Rights {
  const session = useStore((s) => s.session);
  if (!session) throw new Error("not signed in");
  const { role } = session.agent;
  return {
    me: session.agent,
    chats: role !== "editor",
    supervises: role === "supervisor" || role === "admin",
    edits: role !== "agent",
  };
}
