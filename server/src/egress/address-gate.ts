import ipaddr from 'ipaddr.js';

/** Says which addresses may be connected to. */
export interface AddressGate {
  /** Why an address is refused; null: it may be connected to. */
  refusal(address: string): string | null;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Cidr = [Address, number];

/** RFC 4291 §2.4: the only block that global unicast addresses are given out of. */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Lets public addresses through and, of all others, those in `allowedCidrs`. An IPv4 address in
 * the clothes of an IPv6 one (`::ffff:10.0.0.1`) is judged as what it is; every other embedding
 * (NAT64, 6to4, Teredo, IPv4-compatible) is refused unless it is allowed by name.
 * @throws Error that names a CIDR that is none.
 */
export function createAddressGate(allowedCidrs: readonly string[] = []): AddressGate {
  const allowed = allowedCidrs.map(parseCidr);
  return {
    refusal(text) {
      const address = parseAddress(text);
      if (!address) return `${text} is not an address`;
      if (allowed.some((cidr) => isIn(address, cidr))) return null;
      const kind = kindOf(address);
      return kind === 'unicast' ? null : `${address.toString()} is ${kind}`;
    },
  };
}

/** Whether a text is a CIDR such as `10.0.0.0/8`; a bare address counts as one of its own. */
export function isCidr(text: string): boolean {
  try {
    parseCidr(text);
    return true;
  } catch {
    // The question is whether it parses; why it does not is no matter.
    return false;
  }
}

function parseCidr(text: string): Cidr {
  if (!text.includes('/')) {
    const address = parseAddress(text);
    if (address) return [address, address.kind() === 'ipv4' ? 32 : 128];
  } else {
    const [host = '', bits = ''] = text.split('/');
    // ipaddr.js takes 127.1 and 0x7f.1, and reads them as whoever wrote them hardly meant.
    if ((isFourParts(host) || host.includes(':')) && /^\d{1,3}$/.test(bits)) {
      return ipaddr.parseCIDR(text);
    }
  }
  throw new Error(`expected a CIDR such as 10.0.0.0/8, got "${text}"`);
}

function parseAddress(text: string): Address | null {
  if (!isFourParts(text) && !text.includes(':')) return null;
  if (!ipaddr.isValid(text)) return null;
  return ipaddr.process(text);
}

function isFourParts(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text);
}

function isIn(address: Address, [range, bits]: Cidr): boolean {
  return address.kind() === range.kind() && address.match(range, bits);
}

/** ipaddr.js' name of the special range, in words; `unicast` is public. */
function kindOf(address: Address): string {
  const range = address.range();
  if (range !== 'unicast') return `a special address (${range})`;
  if (address.kind() === 'ipv6' && !isIn(address, GLOBAL_UNICAST_V6)) {
    return 'outside of the global unicast addresses';
  }
  return 'unicast';
}
