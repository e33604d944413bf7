import { useQueryClient } from "@tanstack/react-query";
import { App, Segmented, Typography } from "antd";
import { useState } from "react";
import { act } from "../connection";
import { useText } from "../i18n";
import { errorText } from "../lib/errors";
import type { EscalationRow, Judgement } from "../lib/types";

const CHOICES: readonly Judgement[] = ["right", "needless", "too_late"];

/** One click: was the hand-over right? */
export function Judge({ conv, escalation }: { conv: string; escalation: EscalationRow }) {
  const { t } = useText();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [chosen, setChosen] = useState<Judgement | null>(escalation.judgement ?? null);
  const judge = async (judgement: Judgement) => {
    setChosen(judgement);
    try {
      await act("judge", conv, { escalation: escalation.id, judgement });
      message.success(t("judge.thanks"));
      void client.invalidateQueries({ queryKey: ["conversation", conv] });
    } catch (error) {
      setChosen(escalation.judgement ?? null);
      message.error(errorText(error, t));
    }
  };
  return (
    <>
      <Typography.Text type="secondary">{t("judge.ask")}</Typography.Text>
      <Segmented<Judgement | "">
        size="small"
        aria-label={t("judge.ask")}
        value={chosen ?? ""}
        options={CHOICES.map((value) => ({ value, label: t(`judge.${value}`) }))}
        onChange={(value) => value && void judge(value)}
      />
    </>
  );
}
