import { Tabs } from "antd";
import { useText } from "../i18n";
import { PageHead } from "../pages/PageHead";
import { useHotkeys } from "../lib/hotkeys";
import { useSession } from "../state/session";
import { useUi } from "../state/ui";
import { Documents } from "./Documents";
import { SearchTest } from "./SearchTest";

export default function KnowledgePage() {
  const { t } = useText();
  const { edits } = useSession();
  const show = useUi((s) => s.show);
  useHotkeys({ "mod+k": () => show("palette"), "?": () => show("help") });
  return (
    <div className="page">
      <PageHead title={t("kb.title")} lead={t("kb.lead")} />
      <Tabs
        items={[
          ...(edits ? [{ key: "documents", label: t("kb.documents"), children: <Documents /> }] : []),
          { key: "search", label: t("kb.search"), children: <SearchTest /> },
        ]}
      />
    </div>
  );
}
