import { Alert, Flex, Grid } from "antd";
import { useEffect, useRef } from "react";
import { isTextKey, useText } from "../i18n";
import { useHotkeys } from "../lib/hotkeys";
import { badge, chime, notify } from "../lib/notify";
import { dropEnded, expireOffers, type EndedOffer } from "../state/desk";
import { useSettings } from "../state/settings";
import { useDesk, useStore } from "../state/store";
import { OfferCard } from "./OfferCard";
import { useQueue } from "./useLists";
import { useOffers } from "./useOffers";

const SHOWN_MS = 8_000; // how long the end of an offer stays in sight

function Ended({ ended }: { ended: EndedOffer }) {
  const { t, guest } = useText();
  useEffect(() => {
    const timer = setTimeout(() => useStore.getState().update((d) => dropEnded(d, ended.entry)), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [ended.entry]);
  const key = `offer.ended.${ended.why}`;
  const values = { name: guest(ended), by: ended.by ?? t("offer.someone") };
  return <Alert type="info" showIcon closable title={t(isTextKey(key) ? key : "offer.ended.other", values)} />;
}

/** Sound, notification and title badge for what is new. */
function useAlerts() {
  const { t, language, guest } = useText();
  const offers = useDesk((d) => d.offers);
  const mine = useDesk((d) => Object.values(d.items).filter((i) => i.agent === d.me && i.status === "with_agent" && i.unread > 0).length);
  const sound = useSettings((s) => s.sound);
  const known = useRef(new Set<string>());
  useEffect(() => {
    const fresh = offers.filter((o) => !known.current.has(o.entry));
    known.current = new Set(offers.map((o) => o.entry));
    if (fresh.length && sound) chime();
    for (const o of fresh) {
      const reason = language === "en" ? o.reason_en : o.reason_zh;
      notify(t("offer.title"), t("offer.notice", { name: guest(o), reason }), o.entry);
    }
  }, [offers, sound, language, t, guest]);
  useEffect(() => badge(offers.length + mine), [offers.length, mine, language]);
}

/** The offers at the top right; nothing is blocked while they stand. */
export function OfferStack() {
  const { t } = useText();
  const offers = useDesk((d) => d.offers);
  const ended = useDesk((d) => d.ended);
  const { busy, accept, decline } = useOffers();
  const phone = !Grid.useBreakpoint().md;
  useAlerts();
  useQueue();
  useEffect(() => {
    const timer = setInterval(() => useStore.getState().update((d) => expireOffers(d, Date.now())), 1_000);
    return () => clearInterval(timer);
  }, []);
  const first = offers[0];
  const take = () => first && !busy && void accept(first);
  useHotkeys(first ? { "alt+a": take, enter: take } : {});
  return (
    <Flex vertical gap={8} className="offers" role="region" aria-live="assertive" aria-label={t("offer.region")}>
      {offers.slice(0, phone ? 1 : 3).map((offer) => (
        <OfferCard key={offer.entry} offer={offer} busy={busy === offer.entry} onAccept={() => accept(offer)} onDecline={() => decline(offer)} />
      ))}
      {ended.map((e) => <Ended key={e.entry} ended={e} />)}
    </Flex>
  );
}
