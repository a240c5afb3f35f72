/**
 * The sandbox's number is of no country and its calls reach no telephone network, so it stands for
 * the countries whose numbers examples are written with.
 */
export const SANDBOX_COUNTRIES: readonly string[] = ['AU', 'CA', 'DE', 'FR', 'GB', 'IN', 'US'];
