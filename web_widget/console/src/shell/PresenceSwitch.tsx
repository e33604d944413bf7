import { App, Badge, Flex, Select, Typography } from "antd";
import { useState } from "react";
import { act } from "../connection";
import { useText } from "../i18n";
import { errorText } from "../lib/errors";
import type { Availability } from "../lib/types";
import { useSession } from "../state/session";
import { useStore } from "../state/store";

export const DOT = { online: "success", busy: "error", away: "warning", offline: "default" } as const;
export const CHOICES = ["online", "busy", "away"] as const;

/** What the server last said of me, or what my account says until it speaks. */
export function usePresence(): Availability {
  const { me } = useSession();
  return useStore((s) => s.desk.team[me.id]?.availability ?? me.availability);
}

/** Gives the focus back to the page, so that Enter takes an offer again. */
function release(open: boolean): void {
  if (!open) requestAnimationFrame(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
}

export function PresenceSwitch() {
  const { t, language } = useText();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  const now = usePresence();
  const change = async (availability: Availability) => {
    setBusy(true);
    try {
      await act("set_availability", null, { availability });
    } catch (error) {
      message.error(errorText(error, t));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Select<Availability>
      key={language}
      className="presence"
      variant="filled"
      value={now}
      loading={busy}
      aria-label={t("presence.label")}
      popupMatchSelectWidth={230}
      onChange={change}
      onOpenChange={release}
      options={CHOICES.map((value) => ({ value, label: t(`presence.${value}`) }))}
      labelRender={({ value }) => <Badge status={DOT[value as Availability]} text={t(`presence.${value as Availability}`)} />}
      optionRender={({ value }) => (
        <Flex vertical>
          <Badge status={DOT[value as Availability]} text={t(`presence.${value as Availability}`)} />
          <Typography.Text type="secondary" className="small">
            {t(`presence.${value as (typeof CHOICES)[number]}.hint`)}
          </Typography.Text>
        </Flex>
      )}
    />
  );
}
