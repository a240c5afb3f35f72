/**
 * Prefixes of countries with several zones whose numbers say more than the country does; the
 * longest match counts, and a number that matches none may be in any zone of its country.
 */
export const AREA_ZONES: Readonly<Record<string, string>> = {
  '+612': 'Australia/Sydney',
  '+613': 'Australia/Melbourne',
  '+617': 'Australia/Brisbane',
  '+618': 'Australia/Adelaide Australia/Darwin Australia/Perth',

  ...each('+55', '11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38', 'America/Sao_Paulo'),
  ...each('+55', '41 42 43 44 45 46 47 48 49 51 53 54 55 61 62 63 64', 'America/Sao_Paulo'),
  ...each('+55', '71 73 74 75 77 79', 'America/Bahia'),
  ...each('+55', '81 82 83 84 85 86 87 88 89', 'America/Recife'),
  ...each('+55', '91 93 94 96 98 99', 'America/Belem'),
  ...each('+55', '65 66', 'America/Cuiaba'),
  '+5567': 'America/Campo_Grande',
  '+5568': 'America/Rio_Branco',
  '+5569': 'America/Porto_Velho',
  '+5592': 'America/Manaus',
  '+5595': 'America/Boa_Vista',
  '+5597': 'America/Manaus America/Rio_Branco',

  ...each('+34', '822 828 922 928', 'Atlantic/Canary'),
  ...each('+34', '81 91 83 93 84 94 85 95 86 96 87 97 88 98', 'Europe/Madrid'),
  ...each('+34', '823 824 825 826 827 920 921 923 924 925 926 927', 'Europe/Madrid'),

  '+3512': 'Europe/Lisbon',
  '+351291': 'Atlantic/Madeira',
  ...each('+351', '292 295 296', 'Atlantic/Azores'),

  ...each('+52', '55 56 33 81', 'America/Mexico_City'),
  ...each('+52', '646 661 664 665 686', 'America/Tijuana'),
  ...each('+52', '622 631 637 638 641 642 644 647 662', 'America/Hermosillo'),
  ...each('+52', '667 668 669 687', 'America/Mazatlan'),
  ...each('+52', '983 984 998', 'America/Cancun'),

  ...each('+62', '21 22 24 31', 'Asia/Jakarta'),
  ...each('+62', '361 370 411', 'Asia/Makassar'),

  ...each('+7', '495 496 498 499 812', 'Europe/Moscow'),
  '+7343': 'Asia/Yekaterinburg',
  '+7383': 'Asia/Novosibirsk',
  '+7423': 'Asia/Vladivostok',

  ...each('+64', '4 6 7 9', 'Pacific/Auckland'),
  ...each('+56', '2', 'America/Santiago'),
  '+5661': 'America/Punta_Arenas',
  ...each('+593', '2 3 4 6 7', 'America/Guayaquil'),
};

function each(country: string, areas: string, zones: string): Record<string, string> {
  return Object.fromEntries(areas.split(' ').map((code) => [country + code, zones]));
}
