/** Four levels of displeasure; bounds on the classifier's `negative` in 0..1. Never told by colour alone. */
export type EmotionLevel = "calm" | "uneasy" | "upset" | "angry";

const BOUNDS: readonly [number, EmotionLevel][] = [
  [0.8, "angry"],
  [0.6, "upset"],
  [0.35, "uneasy"],
  [0, "calm"],
];

export interface EmotionMark {
  level: EmotionLevel;
  bars: number;
  color: string;
}

const MARKS: Record<EmotionLevel, EmotionMark> = {
  calm: { level: "calm", bars: 1, color: "green" },
  uneasy: { level: "uneasy", bars: 2, color: "gold" },
  upset: { level: "upset", bars: 3, color: "orange" },
  angry: { level: "angry", bars: 4, color: "red" },
};

/** The mark for a reading, or null when there is none. */
export function emotionOf(negative: number | null | undefined): EmotionMark | null {
  if (negative === null || negative === undefined || Number.isNaN(negative)) return null;
  const found = BOUNDS.find(([bound]) => negative >= bound);
  return MARKS[found ? found[1] : "calm"];
}
