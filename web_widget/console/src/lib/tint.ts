const TINTS = ["#0f766e", "#2563eb", "#7c3aed", "#be185d", "#b45309", "#4d7c0f", "#0369a1", "#9f1239"] as const;

/** A steady colour for a name or id; all of them carry white text at 4.5:1 or more. */
export function tint(key: string): string {
  let sum = 0;
  for (const char of key) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 9973;
  return TINTS[sum % TINTS.length] ?? TINTS[0];
}
