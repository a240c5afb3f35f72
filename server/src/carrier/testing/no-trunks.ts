import type { TrunkServiceProcedures } from '../trunk-protocol.ts';

/** A trunk service without trunks and numbers. */
export function noTrunks(): TrunkServiceProcedures {
  return {
    signIn: () => Promise.resolve({ locked: false, named: false, trunks: [] }),
    signedIn: () => undefined,
    routeOutbound: () => Promise.reject(new Error('there are no trunks')),
    routeInbound: () => Promise.resolve(null),
    isUpstream: () => Promise.resolve(false),
    record: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  };
}
