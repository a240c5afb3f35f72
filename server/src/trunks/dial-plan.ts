import type { GatewayRow } from '../db/queries/gateways.ts';
import type { TrunkRow } from '../db/queries/trunks.ts';
import type { SipAddress, SipHeader } from '../sip/message.ts';

/** What decides how an INVITE of a trunk looks. */
export type DialPlanTrunk = Pick<
  TrunkRow,
  'fromDomain' | 'headers' | 'leadingPlus' | 'callerIdHeader'
>;

/** The parts of an INVITE that come from the trunk and the numbers. */
export interface DialPlan {
  /** For people and for the record: `host:port;transport`. */
  gateway: string;
  requestUri: string;
  nextHop: SipAddress;
  from: { uri: string };
  to: { uri: string };
  headers: SipHeader[];
}

/**
 * How a number is dialled through a gateway. The same for the INVITE and for the preview of it.
 * @param numbers E.164.
 * @param localHost what we advertise; the domain of From where the trunk names none.
 */
export function dialPlan(
  trunk: DialPlanTrunk,
  gateway: Pick<GatewayRow, 'host' | 'port' | 'transport'> & Partial<Pick<GatewayRow, 'lookup'>>,
  numbers: { from: string; to: string },
  localHost: string,
): DialPlan {
  const host = gateway.host.includes(':') ? `[${gateway.host}]` : gateway.host;
  const { lookup = 'address' } = gateway;
  const isChosen = gateway.transport !== 'udp' && lookup !== 'naptr';
  const transport = isChosen ? `;transport=${gateway.transport}` : '';
  // RFC 3263 §4.2: a port in the URI would mean that SRV records are not to be asked for.
  const port = lookup === 'address' ? `:${gateway.port}` : '';
  const to = dialled(numbers.to, trunk.leadingPlus);
  const from = dialled(numbers.from, trunk.leadingPlus);
  const fromHost = trunk.fromDomain ?? bracketed(localHost);
  const identity = `sip:${from}@${fromHost}`;
  const headers = Object.entries(trunk.headers).map(([name, value]) => ({ name, value }));
  // RFC 3325 §9.1; a trunk that names the header itself knows better.
  const named = headers.some(({ name }) => name.toLowerCase() === 'p-asserted-identity');
  if (trunk.callerIdHeader !== 'from' && !named) {
    headers.unshift({ name: 'P-Asserted-Identity', value: `<${identity}>` });
  }
  return {
    gateway: `${host}:${gateway.port};${gateway.transport}`,
    requestUri: `sip:${to}@${host}${port}${transport}`,
    nextHop: { host: gateway.host, port: gateway.port, transport: gateway.transport },
    // RFC 3323 §4.1.1.3: who is named by P-Asserted-Identity alone is anonymous in From.
    from: {
      uri: trunk.callerIdHeader === 'pai' ? 'sip:anonymous@anonymous.invalid' : identity,
    },
    to: { uri: `sip:${to}@${host}` },
    headers,
  };
}

function dialled(e164: string, leadingPlus: boolean): string {
  return leadingPlus ? e164 : e164.replace(/^\+/, '');
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
