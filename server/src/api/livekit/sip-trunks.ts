import {
  CreateSIPInboundTrunkRequest,
  CreateSIPOutboundTrunkRequest,
  CreateSIPTrunkRequest,
  DeleteSIPTrunkRequest,
  GetSIPInboundTrunkRequest,
  GetSIPInboundTrunkResponse,
  GetSIPOutboundTrunkRequest,
  GetSIPOutboundTrunkResponse,
  ListSIPInboundTrunkRequest,
  ListSIPInboundTrunkResponse,
  ListSIPOutboundTrunkRequest,
  ListSIPOutboundTrunkResponse,
  ListSIPTrunkRequest,
  ListSIPTrunkResponse,
  type SIPInboundTrunkInfo,
  SIPMediaConfig,
  type SIPOutboundTrunkInfo,
  SIPTrunkInfo,
  SIPTrunkInfo_TrunkKind,
  UpdateSIPInboundTrunkRequest,
  UpdateSIPOutboundTrunkRequest,
} from '@livekit/protocol';
import { sourceNotice } from '../../trunks/source-width.ts';
import type { TrunkInput } from '../../trunks/trunk-store.ts';
import { fromLiveKitId, toLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import type { LiveKitContext } from './livekit-context.ts';
import { createTrunkShelf, type StoredTrunk, type TrunkShelf } from './trunk-shelf.ts';
import {
  inboundInfo,
  inboundInput,
  mediaOf,
  outboundInfo,
  outboundInput,
  type TrunkKind,
} from './trunk-messages.ts';
import { updatedInbound, updatedOutbound } from './trunk-update.ts';
import { TwirpError } from './twirp-error.ts';
import { twirpMethod, type TwirpCall, type TwirpMethods } from './twirp-method.ts';

const MISSING = 'requested sip trunk does not exist';
const NEEDS = 'sip-admin' as const;

/** Trunks of `livekit.SIP`. Ours that were made elsewhere are listed too, each as what it can do. */
export function sipTrunkMethods(ctx: LiveKitContext): TwirpMethods {
  const shelf = createTrunkShelf(ctx);

  async function require(workspaceId: string, id: string, kind?: TrunkKind): Promise<StoredTrunk> {
    const stored = await shelf.get(workspaceId, fromLiveKitId('ST_', id));
    if (!stored || (kind !== undefined && !stored.kinds.includes(kind))) {
      throw new TwirpError('not_found', MISSING);
    }
    return stored;
  }

  return {
    'livekit.SIP/CreateSIPOutboundTrunk': twirpMethod({
      request: CreateSIPOutboundTrunkRequest,
      needs: NEEDS,
      run: async ({ trunk }, { caller }) => {
        const info = requireNew(trunk);
        const stored = await shelf.create(caller.workspaceId, outboundInput(info), info.numbers);
        return outboundOf(stored);
      },
    }),
    'livekit.SIP/CreateSIPInboundTrunk': twirpMethod({
      request: CreateSIPInboundTrunkRequest,
      needs: NEEDS,
      run: async ({ trunk }, call) => {
        const info = requireNew(trunk);
        const { workspaceId } = call.caller;
        const stored = await shelf.create(workspaceId, inboundInput(info), info.numbers);
        tellWide(stored, call);
        return inboundOf(stored);
      },
    }),
    'livekit.SIP/UpdateSIPOutboundTrunk': twirpMethod({
      request: UpdateSIPOutboundTrunkRequest,
      needs: NEEDS,
      run: async ({ sipTrunkId, action }, { caller }) => {
        const before = await require(caller.workspaceId, sipTrunkId, 'outbound');
        const info =
          action.case === 'update'
            ? updatedOutbound(outboundOf(before), action.value)
            : replacement(action.case === 'replace' ? action.value : undefined);
        const input = outboundInput(info);
        if (action.case === 'update') {
          keepPassword(input, 'authPassword', action.value.authPassword);
        }
        return outboundOf(await replace(shelf, before, input, info.numbers));
      },
    }),
    'livekit.SIP/UpdateSIPInboundTrunk': twirpMethod({
      request: UpdateSIPInboundTrunkRequest,
      needs: NEEDS,
      run: async ({ sipTrunkId, action }, call) => {
        const before = await require(call.caller.workspaceId, sipTrunkId, 'inbound');
        const info =
          action.case === 'update'
            ? updatedInbound(inboundOf(before), action.value)
            : replacement(action.case === 'replace' ? action.value : undefined);
        const input = inboundInput(info);
        if (action.case === 'update') {
          keepPassword(input, 'inboundAuthPassword', action.value.authPassword);
        }
        const stored = await replace(shelf, before, input, info.numbers);
        tellWide(stored, call);
        return inboundOf(stored);
      },
    }),
    'livekit.SIP/GetSIPOutboundTrunk': twirpMethod({
      request: GetSIPOutboundTrunkRequest,
      needs: NEEDS,
      run: async ({ sipTrunkId }, { caller }) => {
        const stored = await require(caller.workspaceId, sipTrunkId, 'outbound');
        return new GetSIPOutboundTrunkResponse({ trunk: outboundOf(stored) });
      },
    }),
    'livekit.SIP/GetSIPInboundTrunk': twirpMethod({
      request: GetSIPInboundTrunkRequest,
      needs: NEEDS,
      run: async ({ sipTrunkId }, { caller }) => {
        const stored = await require(caller.workspaceId, sipTrunkId, 'inbound');
        return new GetSIPInboundTrunkResponse({ trunk: inboundOf(stored) });
      },
    }),
    'livekit.SIP/ListSIPOutboundTrunk': twirpMethod({
      request: ListSIPOutboundTrunkRequest,
      needs: NEEDS,
      run: async (request, { caller }) => {
        const items = await shelf.list(caller.workspaceId, 'outbound', request);
        return new ListSIPOutboundTrunkResponse({ items: items.map(outboundOf) });
      },
    }),
    'livekit.SIP/ListSIPInboundTrunk': twirpMethod({
      request: ListSIPInboundTrunkRequest,
      needs: NEEDS,
      run: async (request, { caller }) => {
        const items = await shelf.list(caller.workspaceId, 'inbound', request);
        return new ListSIPInboundTrunkResponse({ items: items.map(inboundOf) });
      },
    }),
    'livekit.SIP/ListSIPTrunk': twirpMethod({
      request: ListSIPTrunkRequest,
      needs: NEEDS,
      run: async ({ page }, { caller }) => {
        const filter = { page, trunkIds: [], numbers: [] };
        const items = [
          ...(await shelf.list(caller.workspaceId, 'inbound', filter)).map(legacyInbound),
          ...(await shelf.list(caller.workspaceId, 'outbound', filter)).map(legacyOutbound),
        ];
        return new ListSIPTrunkResponse({ items });
      },
    }),
    'livekit.SIP/CreateSIPTrunk': twirpMethod({
      request: CreateSIPTrunkRequest,
      needs: NEEDS,
      run: () =>
        Promise.reject(
          new TwirpError(
            'unimplemented',
            'legacy trunks are gone; call CreateSIPInboundTrunk and CreateSIPOutboundTrunk',
          ),
        ),
    }),
    'livekit.SIP/DeleteSIPTrunk': twirpMethod({
      request: DeleteSIPTrunkRequest,
      needs: NEEDS,
      run: async ({ sipTrunkId }, { caller }) => {
        const stored = await require(caller.workspaceId, sipTrunkId);
        await shelf.remove(stored);
        return new SIPTrunkInfo({ sipTrunkId: toLiveKitId('ST_', stored.trunk.id) });
      },
    }),
  };
}

function requireNew<Info extends { sipTrunkId: string }>(trunk: Info | undefined): Info {
  if (!trunk) throw new TwirpError('invalid_argument', 'missing trunk', { argument: 'trunk' });
  if (trunk.sipTrunkId !== '') {
    throw new TwirpError('invalid_argument', 'trunk id must be empty', {
      argument: 'sip_trunk_id',
    });
  }
  return trunk;
}

function replacement<Info>(info: Info | undefined): Info {
  if (info) return info;
  throw new TwirpError('invalid_argument', 'missing or unsupported action: send replace or update');
}

/** A field update without a password leaves the one that is stored, which is never shown. */
function keepPassword(
  input: TrunkInput,
  field: 'authPassword' | 'inboundAuthPassword',
  given: string | undefined,
): void {
  if (given === undefined) delete input[field];
}

async function replace(
  shelf: TrunkShelf,
  before: StoredTrunk,
  input: TrunkInput,
  numbers: readonly string[],
): Promise<StoredTrunk> {
  const stored = await shelf.update(before, input, numbers);
  if (!stored) throw new TwirpError('not_found', MISSING);
  return stored;
}

function outboundOf({ trunk, numbers }: StoredTrunk): SIPOutboundTrunkInfo {
  const info = outboundInfo(trunk, numbers);
  const media = mediaOf(trunk);
  if (media !== undefined) info.media = SIPMediaConfig.fromJson(media);
  return info;
}

function inboundOf({ trunk, numbers }: StoredTrunk): SIPInboundTrunkInfo {
  const info = inboundInfo(trunk, numbers);
  const media = mediaOf(trunk);
  if (media !== undefined) info.media = SIPMediaConfig.fromJson(media);
  return info;
}

function legacyInbound(stored: StoredTrunk): SIPTrunkInfo {
  const info = inboundOf(stored);
  return new SIPTrunkInfo({
    sipTrunkId: info.sipTrunkId,
    kind: SIPTrunkInfo_TrunkKind.TRUNK_INBOUND,
    name: info.name,
    metadata: info.metadata,
    inboundNumbers: info.numbers,
    inboundAddresses: info.allowedAddresses,
    inboundUsername: info.authUsername,
  });
}

/** G14. */
function tellWide({ trunk }: StoredTrunk, call: Pick<TwirpCall, 'notice'>): void {
  const notice = sourceNotice(trunk.allowedSources);
  if (notice !== null) call.notice(notice);
}

function legacyOutbound(stored: StoredTrunk): SIPTrunkInfo {
  const info = outboundOf(stored);
  return new SIPTrunkInfo({
    sipTrunkId: info.sipTrunkId,
    kind: SIPTrunkInfo_TrunkKind.TRUNK_OUTBOUND,
    name: info.name,
    metadata: info.metadata,
    outboundAddress: info.address,
    outboundNumber: info.numbers[0] ?? '',
    transport: info.transport,
    outboundUsername: info.authUsername,
  });
}
