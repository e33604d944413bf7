import { App, Button, Flex, Grid, Result, Typography } from "antd";
import { useEffect, useRef } from "react";
import { act, read } from "../connection";
import { EmotionMark } from "../inbox/EmotionMark";
import { useText, type TextKey } from "../i18n";
import { errorText } from "../lib/errors";
import { useHotkeys } from "../lib/hotkeys";
import { useSession } from "../state/session";
import { useSettings } from "../state/settings";
import { useDesk } from "../state/store";
import { lastSeq } from "../state/log";
import { useUi } from "../state/ui";
import { Briefing } from "./Briefing";
import { ChatHeader } from "./ChatHeader";
import { Composer, type ComposerHandle } from "./Composer";
import { Judge } from "./Judge";
import { MessageList } from "./MessageList";
import { TransferDialog } from "./TransferDialog";
import { useConversation, useDetail } from "./useConversation";

interface Props {
  conv: string;
  onBack: (() => void) | null;
  /** `colleague`: from an agent who has it, not from the queue or the bot. */
  onTake: (colleague: boolean) => void;
}

export function ChatPane({ conv, onBack, onTake }: Props) {
  const { t } = useText();
  const { message } = App.useApp();
  const { me, supervises } = useSession();
  const { error } = useDetail(conv);
  const open = useConversation(conv);
  const { log, status, detail } = open;
  const negative = useDesk((d) => d.items[conv]?.negative);
  const { panel, set } = useSettings();
  const show = useUi((s) => s.show);
  const wide = Grid.useBreakpoint().xl;
  const composer = useRef<ComposerHandle>(null);
  const owner = status === "with_agent" && open.agent === me.id;
  const canAct = status === "with_agent" && (owner || supervises);

  const last = lastSeq(log);
  useEffect(() => {
    if (!last || !owner) return;
    const tell = () => document.visibilityState === "visible" && read(conv, last);
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, [conv, last, owner]);

  const run = async (action: string, done: TextKey) => {
    try {
      await act(action, conv);
      message.success(t(done));
    } catch (failure) {
      message.error(errorText(failure, t));
    }
  };
  const resolve = () => canAct && void run("resolve", "chat.resolved");
  useHotkeys({
    "alt+e": resolve,
    "alt+p": () => composer.current?.toggleNote(),
    "alt+l": () => composer.current?.focus(),
  });

  if (error && !log.loaded) return <Result status="warning" title={errorText(error, t)} extra={onBack ? <Button onClick={onBack}>{t("common.back")}</Button> : null} />;
  const briefing = log.rows.findLast((row) => row.kind === "briefing");
  const answered = log.rows.some((row) => row.from === "agent" && row.kind === "text" && row.seq > (briefing?.seq ?? 0));
  const escalation = detail?.escalations?.at(-1);
  const locked = owner ? null : status === "with_agent" ? t("locked.other", { name: open.agentName ?? t("from.agent") }) : t(`locked.${status}`);
  const canTake = supervises && !owner && status !== "resolved";

  return (
    <div className="chat">
      <ChatHeader
        name={open.name}
        status={status}
        agent={open.agentName}
        canAct={canAct}
        panelOpen={Boolean(wide && panel)}
        extra={<EmotionMark negative={negative} />}
        onBack={onBack}
        onPanel={() => (wide ? set({ panel: !panel }) : show("panel"))}
        onTransfer={() => show("transfer")}
        onReturn={() => void run("return_to_bot", "chat.returned")}
        onResolve={resolve}
      />
      {briefing && status !== "resolved" ? <Briefing key={`${briefing.id} ${answered}`} row={briefing} opened={!answered} onInsert={owner ? (text) => composer.current?.insert(text) : null} /> : null}
      <MessageList conv={conv} log={log} me={me.id} visitor={open.name} verdicts={open.verdicts} />
      {escalation && !escalation.judgement && (status === "resolved" || (owner && !(wide && panel))) ? (
        <Flex className="strip" align="center" gap={8} wrap><Judge conv={conv} escalation={escalation} /></Flex>
      ) : null}
      {locked ? (
        <Flex className="strip" align="center" justify="space-between" gap={8}>
          <Typography.Text type="secondary">{locked}</Typography.Text>
          {canTake ? <Button size="small" onClick={() => onTake(status === "with_agent")}>{t("locked.take")}</Button> : null}
        </Flex>
      ) : null}
      <Composer ref={composer} conv={conv} visitor={open.name} language={open.language} canReply={owner} onSent={() => undefined} />
      <TransferDialog conv={conv} onDone={() => undefined} />
    </div>
  );
}
