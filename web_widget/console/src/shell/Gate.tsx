import { useQueryClient } from "@tanstack/react-query";
import { Flex, Spin } from "antd";
import { useCallback, useEffect, useState } from "react";
import { api, whenSignedOut } from "../lib/api";
import type { Session } from "../lib/types";
import { useDrafts } from "../state/drafts";
import { useStore } from "../state/store";
import { connect, disconnect } from "../connection";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

const SIGNED_IN = "jieli.desk.signed_in"; // spares a call that can only fail

/** Shows the desk to whoever is signed in, the sign-in form to everybody else. */
export function Gate() {
  const [asking, setAsking] = useState(() => localStorage.getItem(SIGNED_IN) !== null);
  const [expired, setExpired] = useState(false);
  const session = useStore((s) => s.session);
  const client = useQueryClient();

  const enter = useCallback((given: Session) => {
    useStore.getState().start(given);
    localStorage.setItem(SIGNED_IN, "1");
    setExpired(false);
    if (given.agent.role !== "editor") connect();
  }, []);

  const leave = useCallback(() => {
    disconnect();
    localStorage.removeItem(SIGNED_IN);
    client.clear();
    useStore.getState().stop();
  }, [client]);

  useEffect(() => {
    whenSignedOut(() => {
      if (useStore.getState().session) setExpired(true);
      leave();
    });
    if (localStorage.getItem(SIGNED_IN) !== null) api.me().then(enter, () => undefined).finally(() => setAsking(false));
    return () => disconnect();
  }, [enter, leave]);

  const signOut = useCallback(async () => {
    await api.logout().catch(() => undefined);
    useDrafts.getState().clearAll();
    leave();
  }, [leave]);

  if (asking) {
    return (
      <Flex align="center" justify="center" className="full">
        <Spin size="large" />
      </Flex>
    );
  }
  return session ? <Shell onSignOut={signOut} /> : <SignIn expired={expired} onEnter={enter} />;
}
