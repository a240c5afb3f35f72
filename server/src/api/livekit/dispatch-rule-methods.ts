import {
  CreateSIPDispatchRuleRequest,
  DeleteSIPDispatchRuleRequest,
  ListSIPDispatchRuleRequest,
  ListSIPDispatchRuleResponse,
  SIPDispatchRuleInfo,
  UpdateSIPDispatchRuleRequest,
  type SIPDispatchRuleUpdate,
} from '@livekit/protocol';
import type { DispatchRule, DispatchRuleInput } from '../../trunks/dispatch-rule-store.ts';
import { fromLiveKitId, toLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import { ruleInfo, ruleInput } from './dispatch-rule-messages.ts';
import type { LiveKitContext } from './livekit-context.ts';
import { updatedList } from './list-update.ts';
import { TwirpError } from './twirp-error.ts';
import { twirpMethod, type TwirpMethods } from './twirp-method.ts';

const MISSING = 'requested sip dispatch rule does not exist';
const PAGE = 200;
const MAX_ITEMS = 10_000;

/** Dispatch rules of `livekit.SIP`: into which room a call that comes in goes. */
export function dispatchRuleMethods({ dispatchRules: store }: LiveKitContext): TwirpMethods {
  async function require(workspaceId: string, id: string): Promise<DispatchRule> {
    const rule = await store.get(workspaceId, fromLiveKitId('SDR_', id));
    if (!rule) throw new TwirpError('not_found', MISSING);
    return rule;
  }

  /** Two rules for the very same calls: nobody could tell which one holds. */
  async function refuseTwin(
    workspaceId: string,
    input: DispatchRuleInput,
    ruleId?: string,
  ): Promise<void> {
    const twin = await store.findTwin(workspaceId, input, ruleId);
    if (!twin) return;
    throw new TwirpError(
      'invalid_argument',
      `dispatch rule "${toLiveKitId('SDR_', twin.id)}" takes calls of the same trunk, numbers and PIN already: change that one, or give this rule another trunk, number or PIN`,
    );
  }

  async function all(workspaceId: string): Promise<DispatchRule[]> {
    const found: DispatchRule[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list(workspaceId, { limit: PAGE, ...(cursor && { cursor }) });
      found.push(...page.data);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && found.length < MAX_ITEMS);
    return found.reverse();
  }

  return {
    'livekit.SIP/CreateSIPDispatchRule': twirpMethod({
      request: CreateSIPDispatchRuleRequest,
      needs: 'sip-admin',
      run: async (request, { caller }) => {
        const info = request.dispatchRule ?? infoOfDeprecated(request);
        if (info.sipDispatchRuleId !== '') {
          throw new TwirpError('invalid_argument', 'dispatch rule id must be empty');
        }
        const input = ruleInput(info);
        await refuseTwin(caller.workspaceId, input);
        return ruleInfo(await store.create(caller.workspaceId, input));
      },
    }),
    'livekit.SIP/UpdateSIPDispatchRule': twirpMethod({
      request: UpdateSIPDispatchRuleRequest,
      needs: 'sip-admin',
      run: async ({ sipDispatchRuleId, action }, { caller }) => {
        const before = await require(caller.workspaceId, sipDispatchRuleId);
        const info =
          action.case === 'update'
            ? updatedRule(ruleInfo(before), action.value)
            : action.case === 'replace'
              ? action.value
              : null;
        if (!info) {
          throw new TwirpError(
            'invalid_argument',
            'missing or unsupported action: send replace or update',
          );
        }
        const input = ruleInput(info);
        // A PIN is never shown, so an update that was made from what is shown has none: it stays.
        if (action.case === 'update' && input.pin === null) delete input.pin;
        await refuseTwin(caller.workspaceId, input, before.id);
        const after = await store.update(caller.workspaceId, before.id, input);
        if (!after) throw new TwirpError('not_found', MISSING);
        return ruleInfo(after);
      },
    }),
    'livekit.SIP/ListSIPDispatchRule': twirpMethod({
      request: ListSIPDispatchRuleRequest,
      needs: 'sip-admin',
      run: async ({ dispatchRuleIds, trunkIds, page }, { caller }) => {
        const found =
          dispatchRuleIds.length > 0
            ? await Promise.all(
                dispatchRuleIds.map((id) =>
                  store.get(caller.workspaceId, fromLiveKitId('SDR_', id)),
                ),
              )
            : await all(caller.workspaceId);
        const wanted = trunkIds.map((id) => fromLiveKitId('ST_', id));
        const items = found
          .filter((rule) => rule !== null)
          .filter(
            (rule) =>
              wanted.length === 0 ||
              rule.trunkIds.length === 0 ||
              rule.trunkIds.some((id) => wanted.includes(id)),
          );
        const after = page && page.afterId !== '' ? fromLiveKitId('SDR_', page.afterId) : null;
        const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
        const end = page && page.limit > 0 ? start + page.limit : items.length;
        return new ListSIPDispatchRuleResponse({ items: items.slice(start, end).map(ruleInfo) });
      },
    }),
    'livekit.SIP/DeleteSIPDispatchRule': twirpMethod({
      request: DeleteSIPDispatchRuleRequest,
      needs: 'sip-admin',
      run: async ({ sipDispatchRuleId }, { caller }) => {
        const rule = await require(caller.workspaceId, sipDispatchRuleId);
        await store.remove(caller.workspaceId, rule.id);
        return ruleInfo(rule);
      },
    }),
  };
}

/** The form of the fields that LiveKit's Node client still sends. */
function infoOfDeprecated(request: CreateSIPDispatchRuleRequest): SIPDispatchRuleInfo {
  return new SIPDispatchRuleInfo({
    ...(request.rule && { rule: request.rule }),
    trunkIds: request.trunkIds,
    hidePhoneNumber: request.hidePhoneNumber,
    inboundNumbers: request.inboundNumbers,
    name: request.name,
    metadata: request.metadata,
    attributes: request.attributes,
    roomPreset: request.roomPreset,
    ...(request.roomConfig && { roomConfig: request.roomConfig }),
  });
}

function updatedRule(
  before: SIPDispatchRuleInfo,
  update: SIPDispatchRuleUpdate,
): SIPDispatchRuleInfo {
  const attributes = { ...before.attributes };
  for (const [name, value] of Object.entries(update.attributes)) {
    if (value === '') delete attributes[name];
    else attributes[name] = value;
  }
  const after = before.clone();
  if (update.rule) after.rule = update.rule;
  if (update.media) after.media = update.media;
  after.trunkIds = updatedList(before.trunkIds, update.trunkIds);
  after.name = update.name ?? before.name;
  after.metadata = update.metadata ?? before.metadata;
  after.attributes = attributes;
  after.mediaEncryption = update.mediaEncryption ?? before.mediaEncryption;
  return after;
}
