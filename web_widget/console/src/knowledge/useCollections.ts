import { useQuery } from "@tanstack/react-query";
import { useText } from "../i18n";
import { knowledgeApi } from "../lib/api";

/** The collections and the options of a Select over them. */
export function useCollections() {
  const { t } = useText();
  const { data = [] } = useQuery({ queryKey: ["kb", "collections"], queryFn: () => knowledgeApi.collections() });
  const named = data.map((c) => ({ value: c.name, label: t("kb.collection_size", { name: c.name, n: c.documents }) }));
  return { names: data.map((c) => c.name), options: [{ value: "", label: t("kb.all_collections") }, ...named] };
}
