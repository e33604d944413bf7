import { App } from "antd";
import { useState } from "react";
import { useLocation } from "wouter";
import { act } from "../connection";
import { useText } from "../i18n";
import { errorText } from "../lib/errors";
import { useStore } from "../state/store";
import type { QueueOffered } from "../wire";

/** Accepting and declining, and what the loser of a race is told. */
export function useOffers() {
  const { t } = useText();
  const { message } = App.useApp();
  const [, go] = useLocation();
  const [busy, setBusy] = useState<string | null>(null);

  const drop = (entry: string) =>
    useStore.getState().update((d) => ({ ...d, offers: d.offers.filter((o) => o.entry !== entry) }));

  const accept = async (offer: QueueOffered) => {
    setBusy(offer.entry);
    try {
      await act("accept", offer.conv, { entry: offer.entry });
      drop(offer.entry);
      useStore.getState().update((d) => ({ ...d, staleList: d.staleList + 1, staleQueue: d.staleQueue + 1 }));
      go(`/c/${offer.conv}`);
    } catch (error) {
      drop(offer.entry);
      message.warning(errorText(error, t));
    } finally {
      setBusy(null);
    }
  };

  const decline = async (offer: QueueOffered) => {
    drop(offer.entry);
    try {
      await act("decline", offer.conv, { entry: offer.entry });
    } catch (error) {
      message.warning(errorText(error, t));
    }
  };

  return { busy, accept, decline };
}
