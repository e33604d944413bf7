import { App, Drawer, Empty, Grid, Typography } from "antd";
import { useCallback, useEffect } from "react";
import { useLocation, useParams } from "wouter";
import { ChatPane } from "../chat/ChatPane";
import { act, follow, tidy } from "../connection";
import { CustomerPanel } from "../customer/CustomerPanel";
import { useText } from "../i18n";
import { errorText } from "../lib/errors";
import { useHotkeys } from "../lib/hotkeys";
import { listOf, queueOf, select } from "../state/desk";
import { useSession } from "../state/session";
import { useSettings } from "../state/settings";
import { deskNow, useDesk, useStore } from "../state/store";
import { useUi } from "../state/ui";
import { ConversationList } from "./ConversationList";
import { useLists } from "./useLists";

/** My conversations are always followed, so that they are there at once; the open one too. */
function useFollowing(conv: string | null) {
  const { t } = useText();
  const { message } = App.useApp();
  const mine = useDesk((d) => listOf(d.items, "mine", d.me).map((i) => i.conv).join(" "));
  const online = useStore((s) => s.net.state === "online");
  useEffect(() => {
    const wanted = new Set([...mine.split(" ").filter(Boolean), ...(conv ? [conv] : [])]);
    tidy(wanted);
    for (const id of wanted) follow(id).catch((error: unknown) => id === conv && message.error(errorText(error, t)));
  }, [mine, conv, online, message, t]);
}

/** Whether something stands over the page that Escape closes first. */
function overlaid(): boolean {
  const parts = ["popover", "dropdown", "select-dropdown"].map((name) => `.ant-${name}:not(.ant-${name}-hidden)`);
  return document.querySelector([...parts, ".ant-modal-wrap:not([style*='none'])", ".ant-drawer-open"].join()) !== null;
}

export function ConversationsPage() {
  const { t } = useText();
  const { message } = App.useApp();
  const params = useParams();
  const conv = params["conv"] ?? null;
  const [, go] = useLocation();
  const { me } = useSession();
  const screens = Grid.useBreakpoint();
  const panel = useSettings((s) => s.panel);
  const sheet = useUi((s) => s.open);
  const show = useUi((s) => s.show);
  const lists = useLists();
  useFollowing(conv);

  useEffect(() => {
    useStore.getState().update((d) => select(d, conv));
    return () => useStore.getState().update((d) => select(d, null));
  }, [conv]);

  const open = useCallback((id: string | null) => go(id ? `/c/${id}` : "/c"), [go]);

  const take = async (id: string, colleague: boolean) => {
    try {
      if (colleague) await act("transfer", id, { agent: me.id });
      await act("take", id);
      message.success(t("queue.taken_over"));
      open(id);
    } catch (error) {
      message.warning(errorText(error, t));
    }
  };

  const step = (by: 1 | -1) => {
    const desk = deskNow();
    const ids =
      lists.view === "waiting" ? queueOf(desk.queue).map((row) => row.conv) : listOf(desk.items, lists.view, me.id).map((item) => item.conv);
    const at = conv ? ids.indexOf(conv) : -1;
    const next = at < 0 ? ids[by > 0 ? 0 : ids.length - 1] : ids[(at + by + ids.length) % ids.length];
    if (next) open(next);
  };
  useHotkeys({
    "alt+j": () => step(1),
    "alt+k": () => step(-1),
    "mod+k": () => show("palette"),
    "?": () => show("help"),
    escape: () => {
      if (conv && !overlaid()) open(null);
    },
  });

  const phone = !screens.md;
  const wide = Boolean(screens.xl);
  return (
    <div className="columns">
      {phone && conv ? null : <ConversationList lists={lists} onOpen={open} onTake={(id) => void take(id, false)} />}
      {phone && !conv ? null : (
        <main className="middle">
          {conv ? (
            <ChatPane key={conv} conv={conv} onBack={phone ? () => open(null) : null} onTake={(colleague) => void take(conv, colleague)} />
          ) : (
            <Empty className="pick" image={Empty.PRESENTED_IMAGE_SIMPLE} description={<Typography.Text strong>{t("empty.pick")}</Typography.Text>}>
              <Typography.Text type="secondary">{t("empty.pick.lead")}</Typography.Text>
            </Empty>
          )}
        </main>
      )}
      {conv && wide && panel ? <aside className="aside" aria-label={t("panel.title")}><CustomerPanel key={conv} conv={conv} onOpen={open} /></aside> : null}
      {conv && !wide ? (
        <Drawer open={sheet === "panel"} onClose={() => show(null)} title={t("panel.title")} size={360} styles={{ body: { padding: 0 } }}>
          <CustomerPanel key={conv} conv={conv} onOpen={(id) => { show(null); open(id); }} />
        </Drawer>
      ) : null}
    </div>
  );
}
