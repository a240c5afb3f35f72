/** A value of an enum of LiveKit's; undefined for a number that it does not know. */
export function enumValue<Enum extends Readonly<Record<string, string | number>>>(
  all: Enum,
  value: unknown,
): Enum[keyof Enum] | undefined {
  return Object.values(all).includes(value as number) ? (value as Enum[keyof Enum]) : undefined;
}
