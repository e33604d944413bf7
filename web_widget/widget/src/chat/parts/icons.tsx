const PATHS = {
  close: "M6 9l6 6 6-6",
  cross: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M5.5 11.5L12 5l6.5 6.5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c.6-3.6 3.7-5.5 7.5-5.5s6.900 1.900 7.500 5.500",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  up: "M7 11v9H4v-9h3Zm0 0 4.200-7.500c1.500 0 2.600 1.200 2.300 2.700L13 9.500h5.200c1.300 0 2.200 1.200 1.900 2.400l-1.500 6.300c-.2 1.100-1.100 1.800-2.200 1.800H7",
  down: "M17 13V4h3v9h-3Zm0 0-4.200 7.500c-1.500 0-2.600-1.200-2.300-2.700l.5-3.300H5.800c-1.300 0-2.200-1.200-1.900-2.400l1.500-6.300C5.600 4.700 6.500 4 7.600 4H17",
  link: "M14 5h5v5M19 5l-8 8M11 6H6.500A1.500 1.500 0 0 0 5 7.500v10A1.500 1.500 0 0 0 6.500 19h10a1.500 1.500 0 0 0 1.500-1.500V13",
  check: "M5 12.500l4.500 4.500L19 7.500",
  star: "M12 3.600l2.600 5.300 5.800.8-4.200 4.100 1 5.800-5.200-2.700-5.200 2.700 1-5.800-4.200-4.100 5.800-.8Z",
  arrow: "M12 5v14M6 13l6 6 6-6",
  plus: "M12 5v14M5 12h14",
  mail: "M4 6.500h16v11H4zM4.500 7l7.500 6 7.500-6",
  bot: "M12 4v3M7 7h10a2.500 2.500 0 0 1 2.500 2.500v6A2.500 2.500 0 0 1 17 18H7a2.500 2.500 0 0 1-2.500-2.500v-6A2.500 2.500 0 0 1 7 7ZM9.300 11.500v1.600M14.700 11.500v1.600",
};

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20, fill = false }: { name: IconName; size?: number; fill?: boolean }) {
  return (
    <svg class={`icon icon-${name}`} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" fill={fill ? "currentColor" : "none"}>
      <path d={PATHS[name]} stroke="currentColor" stroke-width={name === "more" ? 3 : 1.8} stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

/** Two letters at most: the last two characters of a Chinese name, the initials of another. */
export function initials(name: string): string {
  const clean = name.trim();
  if (/\p{Script=Han}/u.test(clean)) return Array.from(clean.replace(/\s/g, "")).slice(-2).join("");
  return clean
    .split(/\s+/)
    .map((word) => Array.from(word)[0] ?? "")
    .slice(0, 2)
    .join("")
    .toUpperCase();
}

export function Avatar({ name, kind, size = 30 }: { name: string; kind: "bot" | "agent" | "brand"; size?: number }) {
  return (
    <span class={`avatar avatar-${kind}`} style={{ width: `${size}px`, height: `${size}px`, fontSize: `${Math.round(size * 0.38)}px` }} aria-hidden="true">
      {kind === "agent" ? initials(name) : <Icon name="bot" size={size * 0.62} />}
    </span>
  );
}
