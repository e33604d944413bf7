import { useQuery } from "@tanstack/react-query";
import { Badge, Button, Tooltip } from "antd";
import { useText } from "../i18n";
import { useStore } from "../state/store";

type State = "ready" | "starting" | "down";

async function ask(): Promise<State> {
  try {
    const answer = await fetch("/readyz", { credentials: "same-origin" });
    return answer.ok ? "ready" : "starting";
  } catch {
    return "down";
  }
}

const COLOR = { ready: "success", starting: "warning", down: "error" } as const;

/** A dot that says whether the service can answer; opens the health page. */
export function Health() {
  const { t } = useText();
  const online = useStore((s) => s.net.state === "online");
  const { data = "starting" } = useQuery({ queryKey: ["ready", online], queryFn: ask, refetchInterval: 20_000, staleTime: 0 });
  const text = t(`health.${data}`);
  return (
    <Tooltip title={`${text} · ${t("health.open")}`}>
      <Button type="text" size="small" href="/health" target="_blank" rel="noopener" aria-label={text}>
        <Badge status={COLOR[data]} />
      </Button>
    </Tooltip>
  );
}
