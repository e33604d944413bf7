/** The desk's calls. */
import { DeskApi, KnowledgeApi, type QueueOffered, type View } from "@jieli/protocol";
import { useSettings } from "../state/settings";
import type { CannedReply, Detail, LeftMessage, Session, TeamMember } from "./types";

let onSignedOut: () => void = () => undefined;

/** Called when the server says that the session is over. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

const watched: typeof fetch = async (input, init) => {
  const answer = await fetch(input, init);
  if (answer.status === 401 && !String(input).endsWith("/login")) onSignedOut();
  return answer;
};

export const desk = new DeskApi({ language: () => useSettings.getState().language, fetch: watched });
export const knowledgeApi = new KnowledgeApi(desk.http);

/** A list under whichever name the answer gives it. */
export function listIn<T>(answer: unknown, ...names: string[]): T[] {
  if (Array.isArray(answer)) return answer as T[];
  const record = (answer ?? {}) as Record<string, unknown>;
  for (const name of names) if (Array.isArray(record[name])) return record[name] as T[];
  return [];
}

export const api = {
  login: async (email: string, password: string): Promise<Session> => ({ agent: await desk.login(email, password) }),
  me: async (): Promise<Session> => ({ agent: await desk.me() }),
  logout: async () => {
    await desk.logout();
    desk.csrf = "";
  },
  ticket: () => desk.ticket(),
  queue: () => desk.queue(),
  offers: async () => listIn<QueueOffered>(await desk.offers(), "offers"),
  conversations: (view: View, q: string, cursor: string | null) => desk.conversations(view, q, cursor ?? ""),
  conversation: async (conv: string) => (await desk.conversation(conv)) as unknown as Detail,
  messages: (conv: string, before?: number, limit = 60) => desk.messages(conv, before, limit),
  verdicts: (conv: string) => desk.verdicts(conv),
  agents: async () => listIn<TeamMember>(await desk.agents(), "agents"),
  canned: async () => listIn<CannedReply>(await desk.canned(), "canned", "replies", "canned_replies"),
  queues: () => desk.queues(),
  finishLeftMessage: (id: string) => desk.finishLeftMessage(id),
  leftMessages: async () => listIn<LeftMessage>(await desk.leftMessages(), "left_messages", "messages"),
};
