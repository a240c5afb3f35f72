import { z } from 'zod';

const name = z.string().min(1).max(200).describe('Name of the room.');
const identity = z.string().min(1).max(200).describe('Who it is, unique in the room.');
const text = z.string().max(65_536);
const attributes = z.record(z.string().max(256), z.string().max(4_096));

export const roomParams = z.strictObject({ name });
export const memberParams = z.strictObject({ name, identity });

const agentOrderSchema = z.strictObject({
  agent: z.string().min(1).max(200).describe('Name, dispatch name or id of an agent.'),
  metadata: text
    .optional()
    .describe('Told to the agent: fields of a JSON object are variables of the same names.'),
});

export const roomCreateSchema = z
  .strictObject({
    name,
    metadata: text.optional(),
    empty_timeout_s: z.number().int().min(1).max(2_592_000).optional(),
    departure_timeout_s: z.number().int().min(1).max(2_592_000).optional(),
    max_participants: z.number().int().min(0).max(1_000).optional(),
    agents: z
      .array(agentOrderSchema)
      .max(10)
      .optional()
      .describe('Agents that come. Default: those whose room_patterns fit the name.'),
  })
  .meta({
    examples: [
      {
        name: 'order-4711',
        metadata: '{"order":4711}',
        empty_timeout_s: 600,
        max_participants: 4,
        agents: [{ agent: 'Front desk', metadata: '{"name":"Maria"}' }],
      },
    ],
  });

export const roomDialSchema = z
  .strictObject({
    to: z.string().min(1).max(64).describe('Number that is called.'),
    from: z.string().min(1).max(64).optional(),
    trunk_id: z.string().min(1).max(100).optional(),
    identity: identity.optional(),
    display_name: z.string().max(128).optional(),
    metadata: text.optional(),
    attributes: attributes.optional(),
    dtmf: z
      .string()
      .max(200)
      .optional()
      .describe('Keys that are pressed after the answer; w waits half a second.'),
    ringback: z.boolean().optional().describe('The others hear ringing meanwhile.'),
    ring_timeout_s: z.number().int().min(1).max(300).optional(),
    max_duration_s: z.number().int().min(10).max(14_400).optional(),
  })
  .meta({
    examples: [
      {
        to: '+15005550101',
        identity: 'customer',
        attributes: { order: '4711' },
        ringback: true,
        ring_timeout_s: 30,
      },
    ],
  });

export const memberPatchSchema = z
  .strictObject({
    muted: z.boolean().optional().describe('Whether nobody hears it.'),
    name: z.string().max(256).optional(),
    metadata: text.optional(),
    attributes: attributes.optional().describe('Merged; an empty value takes one away.'),
  })
  .meta({
    examples: [{ muted: true, name: 'Maria', attributes: { seat: '2' } }],
  });

export const roomTransferSchema = z
  .strictObject({
    to: z.string().min(1).max(64).describe('Number of the one to talk with.'),
    ringback: z.boolean().optional(),
    ring_timeout_s: z.number().int().min(1).max(300).optional(),
  })
  .meta({ examples: [{ to: '+15005550102', ringback: true, ring_timeout_s: 30 }] });

export const roomMoveSchema = z
  .strictObject({
    destination_room: name.describe('Name of the room that it is to be in.'),
  })
  .meta({ examples: [{ destination_room: 'second-line' }] });

export const roomAgentSchema = agentOrderSchema.meta({
  examples: [{ agent: 'Front desk', metadata: '{"name":"Maria"}' }],
});

export const roomRecordingCreateSchema = z
  .strictObject({
    identity: identity.optional().describe('Records one only. Default: everybody.'),
    channels: z.enum(['mono', 'agent-right']).optional(),
  })
  .meta({ examples: [{ channels: 'agent-right' }, { identity: 'customer' }] });

export const roomViewSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    metadata: z.string(),
    empty_timeout_s: z.number(),
    departure_timeout_s: z.number(),
    max_participants: z.number(),
    participants: z.number(),
    publishers: z.number(),
    recording: z.boolean(),
    created_at: z.iso.datetime(),
    closed_at: z.iso.datetime().nullable(),
    end_reason: z.string().nullable(),
  })
  .meta({ id: 'Room' });

export const memberViewSchema = z
  .object({
    id: z.string(),
    identity: z.string(),
    kind: z.enum(['sip', 'agent']),
    name: z.string(),
    metadata: z.string(),
    attributes: z.record(z.string(), z.string()),
    state: z.enum(['joined', 'active', 'disconnected']),
    muted: z.boolean(),
    call_id: z.string().nullable(),
    call_status: z.enum(['dialing', 'ringing', 'automation', 'active', 'hangup']).nullable(),
    joined_at: z.iso.datetime(),
  })
  .meta({ id: 'RoomParticipant' });

export const roomRecordingViewSchema = z
  .object({
    id: z.string(),
    room_id: z.string(),
    room_name: z.string(),
    kind: z.enum(['room', 'participant', 'track']),
    status: z.enum(['starting', 'active', 'ending', 'complete', 'failed']),
    error: z.string().nullable(),
    url: z.string().nullable(),
    size_bytes: z.number().nullable(),
    duration_ms: z.number().nullable(),
    started_at: z.iso.datetime().nullable(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'RoomRecording' });

export const roomTransferViewSchema = z.object({
  id: z.string(),
  successful: z.boolean(),
  method: z
    .enum(['refer', 'bridge'])
    .describe('`refer`: the carrier has moved the call; `bridge`: both legs are in the room.'),
  call_id: z.string().nullable().describe('The call to the target; null: it is the carrier’s.'),
  end_reason: z.string().nullable(),
});

export const roomAgentViewSchema = z.object({
  id: z.string(),
  agent: z.string(),
  agent_id: z.string().nullable(),
  call_id: z.string().nullable(),
  error: z.string().nullable(),
});
