import { IANAZone } from 'luxon';
import { getCountries } from 'libphonenumber-js/max';
import { describe, expect, it } from 'vitest';
import { placesOf } from './callee-places.ts';
import { AREA_ZONES } from './data/area-zones.ts';
import { COUNTRY_ZONES } from './data/country-zones.ts';
import { NANP_AREA_CODES } from './data/nanp-area-codes.ts';

describe('where a number is', () => {
  it.each([
    ['+12125550123', 'US', 'US-NY', ['America/New_York']],
    ['+16025550123', 'US', 'US-AZ', ['America/Phoenix']],
    ['+18505550123', 'US', 'US-FL', ['America/New_York', 'America/Chicago']],
    ['+13065550123', 'CA', 'CA-SK', ['America/Regina']],
    ['+919876543210', 'IN', null, ['Asia/Kolkata']],
    ['+34922123456', 'ES', null, ['Atlantic/Canary']],
    ['+5511912345678', 'BR', null, ['America/Sao_Paulo']],
    ['+5592912345678', 'BR', null, ['America/Manaus']],
    ['+61861234567', 'AU', null, ['Australia/Adelaide', 'Australia/Darwin', 'Australia/Perth']],
    ['+18765230001', 'JM', null, ['America/Jamaica']],
  ])('%s', (number, country, region, zones) => {
    expect(placesOf(number)).toEqual({ country, region, zones });
  });

  it('takes a zone that is known, and ignores one that does not exist', () => {
    expect(placesOf('+61412345678', 'Australia/Perth').zones).toEqual(['Australia/Perth']);
    expect(placesOf('+12125550123', 'Mars/Olympus').zones).toEqual(['America/New_York']);
  });

  it('assumes both ends of the day for a number of no country', () => {
    expect(placesOf('+870773111632').zones).toHaveLength(2);
  });
});

describe('the tables', () => {
  it('have zones for every country that has numbers', () => {
    expect(getCountries().filter((country) => !COUNTRY_ZONES[country])).toEqual([]);
  });

  it('name zones that exist', () => {
    const zones = [
      ...Object.values(COUNTRY_ZONES).flatMap((text) => text.split(' ')),
      ...Object.values(AREA_ZONES).flatMap((text) => text.split(' ')),
      ...NANP_AREA_CODES.flatMap((area) => area.zones),
    ];
    expect([...new Set(zones)].filter((zone) => !IANAZone.isValidZone(zone))).toEqual([]);
  });

  it('list each area code once', () => {
    const codes = NANP_AREA_CODES.flatMap((area) => area.codes);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    expect(codes.length).toBeGreaterThan(370);
  });
});
