import { AutoComplete, Empty, Modal, Input } from "antd";
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import { act } from "../connection";
import { useText } from "../i18n";
import { previewOf } from "../state/desk";
import { useSession } from "../state/session";
import { useSettings } from "../state/settings";
import { useDesk } from "../state/store";
import { useUi } from "../state/ui";
import { CHOICES } from "./PresenceSwitch";

interface Command {
  value: string;
  label: string;
  run: () => void;
}

function useCommands(onSignOut: () => void): Command[] {
  const { t, language, guest } = useText();
  const { chats } = useSession();
  const set = useSettings((s) => s.set);
  const [, go] = useLocation();
  const items = useDesk((d) => d.items);
  return useMemo(() => {
    const pages: [string, string][] = [
      ...(chats ? ([["/c", t("nav.conversations")], ["/messages", t("nav.messages")], ["/team", t("nav.team")]] as [string, string][]) : []),
      ["/kb", t("nav.knowledge")],
    ];
    return [
      ...pages.map(([path, page]) => ({ value: `go:${path}`, label: t("palette.go", { page }), run: () => go(path) })),
      ...(chats ? CHOICES : []).map((availability) => ({
        value: `presence:${availability}`,
        label: t("palette.presence", { what: t(`presence.${availability}`) }),
        run: () => void act("set_availability", null, { availability }).catch(() => undefined),
      })),
      ...(["auto", "light", "dark"] as const).map((theme) => ({
        value: `theme:${theme}`,
        label: t("palette.theme", { what: t(`theme.${theme}`) }),
        run: () => set({ theme }),
      })),
      { value: "language", label: t("palette.language"), run: () => set({ language: language === "en" ? "zh-CN" : "en" }) },
      { value: "signout", label: t("signout"), run: onSignOut },
      ...Object.values(items).map((item) => ({
        value: `c:${item.conv}`,
        label: `${guest(item)} — ${previewOf(item, language)}`,
        run: () => go(`/c/${item.conv}`),
      })),
    ];
  }, [chats, go, guest, items, language, onSignOut, set, t]);
}

/** Ctrl/Cmd+K: every page, switch and conversation by name. */
export function CommandPalette({ onSignOut }: { onSignOut: () => void }) {
  const { t } = useText();
  const open = useUi((s) => s.open === "palette");
  const show = useUi((s) => s.show);
  const [query, setQuery] = useState("");
  const commands = useCommands(onSignOut);
  const needle = query.trim().toLowerCase();
  const found = commands.filter((c) => c.label.toLowerCase().includes(needle)).slice(0, 40);
  const close = () => {
    setQuery("");
    show(null);
  };
  return (
    <Modal open={open} onCancel={close} footer={null} closable={false} destroyOnHidden width={560} style={{ top: 96 }} title={null} aria-label={t("palette.label")}>
      <AutoComplete
        open
        autoFocus
        defaultActiveFirstOption
        className="block"
        value={query}
        listHeight={340}
        getPopupContainer={(node: HTMLElement) => node.parentElement ?? document.body}
        popupRender={(menu) => <div className="palette-list">{menu}</div>}
        notFoundContent={<Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("palette.none")} />}
        options={found.map(({ value, label }) => ({ value, label }))}
        onSearch={setQuery}
        onSelect={(value: string) => {
          close();
          commands.find((c) => c.value === value)?.run();
        }}
      >
        <Input size="large" placeholder={t("palette.open")} onKeyDown={(e) => e.key === "Escape" && close()} />
      </AutoComplete>
      <div className="palette-space" />
    </Modal>
  );
}
