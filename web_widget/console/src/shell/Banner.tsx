import { Alert, Button, Flex } from "antd";
import { useEffect, useState } from "react";
import { connect } from "../connection";
import { useText } from "../i18n";
import { askPermission, canAsk } from "../lib/notify";
import { useSession } from "../state/session";
import { useSettings } from "../state/settings";
import { useStore } from "../state/store";

const SHOW_AFTER = 1_500; // a blink of the network is not worth a banner

function Net() {
  const { t } = useText();
  const net = useStore((s) => s.net);
  const [late, setLate] = useState(false);
  const down = net.state === "connecting" || net.state === "waiting";
  useEffect(() => {
    if (!down) return;
    const timer = setTimeout(() => setLate(true), SHOW_AFTER);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [down]);
  if (net.state === "closed") {
    const why = t(net.reason === "replaced" ? "net.replaced" : "net.refused");
    const again = <Button size="small" onClick={connect}>{t("net.again")}</Button>;
    return <Alert banner type="error" role="alert" title={t("net.closed", { why })} action={again} />;
  }
  if (!down || !late) return null;
  return <Alert banner type="warning" role="status" title={t("net.waiting")} />;
}

function AskNotify() {
  const { t } = useText();
  const { asked, set } = useSettings();
  if (asked || !canAsk()) return null;
  const answer = async (yes: boolean) => {
    if (yes) await askPermission();
    set({ asked: true });
  };
  return (
    <Alert
      banner
      type="info"
      title={t("notify.ask")}
      action={
        <Flex gap={8}>
          <Button size="small" type="primary" onClick={() => answer(true)}>{t("notify.yes")}</Button>
          <Button size="small" type="text" onClick={() => answer(false)}>{t("notify.no")}</Button>
        </Flex>
      }
    />
  );
}

/** Lines under the top bar: the state of the connection, and the polite question about notifications. */
export function Banner() {
  const { chats } = useSession();
  if (!chats) return null;
  return (
    <>
      <Net />
      <AskNotify />
    </>
  );
}
