/**
 * What nobody may dial by machine: emergency numbers and service codes, as dialled. Anything with
 * fewer than seven digits is refused besides.
 */
export const EMERGENCY_CODES: ReadonlySet<string> = new Set(
  `000 100 101 102 103 104 106 108 110 111 112 113 114 115 116 117 118 119 120 122 123 128 131 133 144
   150 155 158 160 165 166 185 190 191 192 193 194 195 197 198 199 211 311 411 511 611 711 811 911 912
   917 919 921 922 933 988 991 992 993 994 995 996 997 998 999 1091 1122 1155 1911 10177`.split(/\s+/),
);

/** Service codes of the North American plan in the place of an area code. */
export const NANP_SERVICE_CODE = /^\+1[2-9]11/;

/** E.164 with its plus has at least so many digits here. */
export const MIN_E164_DIGITS = 7;
