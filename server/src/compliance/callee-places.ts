import { IANAZone } from 'luxon';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { AREA_ZONES } from './data/area-zones.ts';
import { COUNTRY_ZONES } from './data/country-zones.ts';
import { NANP_AREA_CODES, type AreaCodes } from './data/nanp-area-codes.ts';

/** Where the person behind a number may be. */
export interface CalleePlaces {
  /** ISO country; null: unknown. */
  country: string | null;
  /** `US-FL`, where the number says so. */
  region: string | null;
  /** Every IANA zone that it may be; never empty. */
  zones: readonly string[];
}

const areaByCode = new Map<string, AreaCodes>(
  NANP_AREA_CODES.flatMap((area) => area.codes.map((code) => [code, area] as const)),
);
const LONGEST_AREA = Math.max(...Object.keys(AREA_ZONES).map((prefix) => prefix.length));
/** The whole earth's day: what is legal at both ends is legal in between. */
const UNKNOWN_ZONES = ['Pacific/Auckland', 'Pacific/Honolulu'];

/**
 * Country, region and time zones of an E.164 number. A mobile number of a country with several
 * zones may be in any of them.
 * @param timezone known zone of the person, in place of what the number suggests.
 */
export function placesOf(e164: string, timezone?: string): CalleePlaces {
  const country = parsePhoneNumberFromString(e164)?.country ?? null;
  const area = country === 'US' || country === 'CA' ? areaByCode.get(e164.slice(2, 5)) : undefined;
  const region = area?.region ?? null;
  if (timezone !== undefined && IANAZone.isValidZone(timezone)) {
    return { country, region, zones: [timezone] };
  }
  return { country, region, zones: area?.zones ?? areaZones(e164) ?? countryZones(country) };
}

function areaZones(e164: string): readonly string[] | null {
  for (let length = Math.min(LONGEST_AREA, e164.length); length > 2; length--) {
    const zones = AREA_ZONES[e164.slice(0, length)];
    if (zones !== undefined) return zones.split(' ');
  }
  return null;
}

function countryZones(country: string | null): readonly string[] {
  const zones = country === null ? undefined : COUNTRY_ZONES[country];
  return zones ? zones.split(' ') : UNKNOWN_ZONES;
}
