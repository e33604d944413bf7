import { ApiError, Refused } from "@jieli/protocol";
import type { Translate } from "../i18n";

/** One sentence for a failure: the server's own where it gave one. */
export function errorText(error: unknown, t: Translate): string {
  if (error instanceof ApiError) {
    if (error.code === "unreachable") return t("error.offline");
    if (error.code !== "http_error" && error.message) return [error.message, error.hint].filter(Boolean).join(" ");
    return t("error.unknown", { code: error.message });
  }
  if (error instanceof Refused) return error.message || t("error.unknown", { code: error.code });
  return t("error.unknown", { code: error instanceof Error ? error.message : String(error) });
}
