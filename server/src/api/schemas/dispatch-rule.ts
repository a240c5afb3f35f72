import { z } from 'zod';
import type { DispatchRule, DispatchRuleInput } from '../../trunks/dispatch-rule-store.ts';

const id = z.string().min(1).max(100);
const numbers = z.array(z.string().min(1).max(40)).max(1_000);

const fields = {
  name: z.string().max(200),
  kind: z
    .enum(['direct', 'individual', 'callee'])
    .describe('One room for all calls, one for each call, or one for each number called.'),
  trunk_ids: z.array(id).max(100).describe('Trunks that it is for; empty: all.'),
  called_numbers: numbers.describe('Numbers called that it is for; empty: all.'),
  caller_numbers: numbers.describe('Numbers that call; empty: all.'),
  room: z.string().max(200).describe('Name of the room (direct), else the start of its name.'),
  randomize: z.boolean().describe('Adds random characters to the name of the room.'),
  pin: z
    .string()
    .regex(/^[0-9]{1,20}$/, 'expected 1 to 20 digits')
    .nullable()
    .describe('Digits that the caller keys in first. Write-only; sealed when stored.'),
  hide_phone_number: z.boolean(),
  agent_id: id.nullable().describe('Who speaks with the caller.'),
  attributes: z.record(z.string().max(200), z.string().max(2_000)),
  metadata: z.string().max(10_000),
};

export const dispatchRuleCreateSchema = z
  .strictObject(fields)
  .partial()
  .required({ kind: true })
  .meta({
    examples: [
      {
        name: 'Support line',
        kind: 'individual',
        room: 'support',
        called_numbers: ['+14155550123'],
        agent_id: 'agent_01j9zq8f3v6m2k4n7p0r5t8w1x',
        attributes: { queue: 'support' },
      },
    ],
  });
export const dispatchRulePatchSchema = z
  .strictObject(fields)
  .partial()
  .meta({ examples: [{ pin: '4711', hide_phone_number: true }] });

const { pin: _writeOnly, ...shownFields } = fields;

export const dispatchRuleViewSchema = z
  .object({
    id: z.string(),
    ...shownFields,
    has_pin: z.boolean(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'DispatchRule' });

export function dispatchRuleView(rule: DispatchRule): z.output<typeof dispatchRuleViewSchema> {
  return {
    id: rule.id,
    name: rule.name,
    kind: rule.kind,
    trunk_ids: rule.trunkIds,
    called_numbers: rule.calledNumbers,
    caller_numbers: rule.callerNumbers,
    room: rule.room,
    randomize: rule.randomize,
    has_pin: rule.hasPin,
    hide_phone_number: rule.hidePhoneNumber,
    agent_id: rule.agentId,
    attributes: rule.attributes,
    metadata: rule.metadata,
    created_at: rule.createdAt.toISOString(),
    updated_at: rule.updatedAt.toISOString(),
  };
}

export function dispatchRuleInput(
  body: z.output<typeof dispatchRulePatchSchema>,
): DispatchRuleInput {
  return {
    name: body.name,
    kind: body.kind,
    trunkIds: body.trunk_ids,
    calledNumbers: body.called_numbers,
    callerNumbers: body.caller_numbers,
    room: body.room,
    randomize: body.randomize,
    pin: body.pin,
    hidePhoneNumber: body.hide_phone_number,
    agentId: body.agent_id,
    attributes: body.attributes,
    metadata: body.metadata,
  };
}
