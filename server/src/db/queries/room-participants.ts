import type { Queryable } from './queryable.ts';
import { assignments, requireOne, selectOne, selectRows } from './row.ts';
import { storableJson, storableText } from './storable-text.ts';
import type { CallRow } from './calls.ts';

export type RoomParticipantKind = 'sip' | 'agent';

/** What a participant's call is made with, beyond what every call has. */
export interface RoomLeg {
  /** Keys pressed after the answer; `w` waits half a second. */
  dtmf?: string;
  /** The others hear ringing while it is dialled. */
  ringback?: boolean;
  hidePhoneNumber?: boolean;
  /** Headers of the INVITE, in addition to the trunk's. */
  headers?: Record<string, string>;
  /** Display name of From. */
  displayName?: string;
  /** The call was answered and its keys are pressed. */
  automation?: boolean;
  /** Where it came from. */
  ruleId?: string;
  /** Instead of the trunk's. */
  includeHeaders?: 'none' | 'x' | 'all';
  mediaEncryption?: 'none' | 'optional' | 'required';
  codecs?: string[];
  /** Set by a transfer: the participant that this one is to talk with. */
  transferOf?: string;
}

export interface RoomParticipantRow {
  id: string;
  workspaceId: string;
  roomId: string;
  /** Unique among those who are in the room. */
  identity: string;
  kind: RoomParticipantKind;
  name: string;
  metadata: string;
  attributes: Record<string, string>;
  callId: string | null;
  leg: RoomLeg;
  trackId: string;
  muted: boolean;
  canPublish: boolean;
  canSubscribe: boolean;
  unheardTracks: string[];
  /** Grows with every change. */
  version: number;
  joinedAt: Date;
  /** When its audio began. */
  publishedAt: Date | null;
  leftAt: Date | null;
  leaveReason: string | null;
}

/** A participant with its call and the call's SIP Call-ID, where it has one. */
export interface RoomParticipantView extends RoomParticipantRow {
  call: Pick<
    CallRow,
    | 'id'
    | 'status'
    | 'endReason'
    | 'endedBy'
    | 'sipCode'
    | 'sipReason'
    | 'direction'
    | 'fromNumber'
    | 'toNumber'
    | 'trunkId'
    | 'nodeId'
  > | null;
  sipCallId: string | null;
  gateway: string | null;
}

export type NewRoomParticipant = Pick<
  RoomParticipantRow,
  'id' | 'workspaceId' | 'roomId' | 'identity' | 'kind' | 'trackId'
> &
  Partial<
    Pick<
      RoomParticipantRow,
      | 'name'
      | 'metadata'
      | 'attributes'
      | 'callId'
      | 'leg'
      | 'publishedAt'
      | 'muted'
      | 'canPublish'
      | 'canSubscribe'
    >
  >;

const VIEW = `select p.*,
  case when c.id is null then null else json_build_object('id', c.id, 'status', c.status,
    'endReason', c.end_reason, 'endedBy', c.ended_by, 'sipCode', c.sip_code,
    'sipReason', c.sip_reason, 'direction', c.direction, 'fromNumber', c.from_number,
    'toNumber', c.to_number, 'trunkId', c.trunk_id, 'nodeId', c.node_id) end as call,
  a.sip_call_id, a.gateway
  from room_participants p
  left join calls c on c.id = p.call_id
  left join lateral (select sip_call_id, gateway from attempts where attempts.call_id = p.call_id
    order by sequence desc limit 1) a on true`;

/** Throws PostgreSQL's 23505 when somebody of that identity is in the room. */
export async function insert(
  client: Queryable,
  participant: NewRoomParticipant,
): Promise<RoomParticipantRow> {
  const { id, workspaceId, roomId, identity, kind, trackId } = participant;
  return requireOne(
    client,
    `insert into room_participants (id, workspace_id, room_id, identity, kind, track_id, name,
       metadata, attributes, call_id, leg, published_at, muted, can_publish, can_subscribe)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning *`,
    [
      id,
      workspaceId,
      roomId,
      storableText(identity),
      kind,
      trackId,
      storableText(participant.name ?? ''),
      storableText(participant.metadata ?? ''),
      storableJson(participant.attributes ?? {}),
      participant.callId ?? null,
      storableJson(participant.leg ?? {}),
      participant.publishedAt ?? null,
      participant.muted ?? false,
      participant.canPublish ?? true,
      participant.canSubscribe ?? true,
    ],
  );
}

/** Those who are in a room, in the order in which they came. */
export async function listInside(
  client: Queryable,
  roomId: string,
): Promise<RoomParticipantView[]> {
  return selectRows(client, `${VIEW} where p.room_id = $1 and p.left_at is null order by p.id`, [
    roomId,
  ]);
}

export async function findInside(
  client: Queryable,
  roomId: string,
  identity: string,
): Promise<RoomParticipantView | null> {
  return selectOne(
    client,
    `${VIEW} where p.room_id = $1 and p.identity = $2 and p.left_at is null`,
    [roomId, identity],
  );
}

export async function getView(
  client: Queryable,
  participantId: string,
): Promise<RoomParticipantView | null> {
  return selectOne(client, `${VIEW} where p.id = $1`, [participantId]);
}

/** The participant that a call is; null: the call is in no room that others know. */
export async function findByCall(
  client: Queryable,
  callId: string,
): Promise<RoomParticipantRow | null> {
  return selectOne(
    client,
    `select * from room_participants where call_id = $1 and kind = 'sip' order by id desc limit 1`,
    [callId],
  );
}

/** Participants in any room whose call has moved on: answered, or over. */
export async function listToSettle(client: Queryable, limit = 200): Promise<{ id: string }[]> {
  return selectRows(
    client,
    `select p.id from room_participants p join calls c on c.id = p.call_id
     where p.left_at is null and p.kind = 'sip' and (
       (c.status = 'in-progress' and p.published_at is null)
       or c.status not in ('scheduled', 'queued', 'rescheduled', 'initiated', 'ringing',
         'in-progress'))
     order by p.id limit $1`,
    [limit],
  );
}

/** Those of open rooms whose audio a node has. */
export async function listOfNode(client: Queryable, nodeId: string): Promise<RoomParticipantRow[]> {
  return selectRows(
    client,
    `select p.* from room_participants p join calls c on c.id = p.call_id
     where p.left_at is null and p.kind = 'sip' and c.node_id = $1
       and c.status in ('initiated', 'ringing', 'in-progress')`,
    [nodeId],
  );
}

/** How many are in each of these rooms, and how many of them are heard. */
export async function countInside(
  client: Queryable,
  roomIds: readonly string[],
): Promise<Map<string, { inside: number; published: number }>> {
  const rows = await selectRows<{ roomId: string; inside: number; published: number }>(
    client,
    `select room_id, count(*)::int as inside,
       count(*) filter (where published_at is not null)::int as published
     from room_participants where room_id = any($1) and left_at is null group by room_id`,
    [roomIds],
  );
  return new Map(rows.map(({ roomId, inside, published }) => [roomId, { inside, published }]));
}

const FIELDS = [
  'name',
  'metadata',
  'attributes',
  'callId',
  'leg',
  'muted',
  'canPublish',
  'canSubscribe',
  'unheardTracks',
  'publishedAt',
  'leftAt',
  'leaveReason',
] as const;

export type RoomParticipantPatch = {
  [Field in (typeof FIELDS)[number]]?: RoomParticipantRow[Field] | undefined;
};

/** Changes one who is in the room. Null when he is not any more. */
export async function update(
  client: Queryable,
  participantId: string,
  patch: RoomParticipantPatch,
): Promise<RoomParticipantRow | null> {
  const values: unknown[] = [participantId];
  const sets = assignments({ ...patch }, FIELDS, values, ['attributes', 'leg']);
  return selectOne(
    client,
    `update room_participants set ${['version = version + 1', ...sets].join(', ')}
     where id = $1 and left_at is null returning *`,
    values,
  );
}

/** Adds to what is stored of the one that a call is, in whatever room that is now. */
export async function mergeOfCall(
  client: Queryable,
  callId: string,
  { attributes = {}, leg = {} }: { attributes?: Record<string, string>; leg?: RoomLeg },
): Promise<void> {
  for (let tries = 2; tries > 0; tries--) {
    const { rowCount } = await client.query(
      `update room_participants set attributes = attributes || $2, leg = leg || $3,
         version = version + 1
       where call_id = $1 and kind = 'sip' and left_at is null`,
      [callId, storableJson(attributes), storableJson(leg)],
    );
    // A move that was waited for has made a new row, which the next statement sees.
    if (rowCount !== 0) return;
  }
}

/** Whoever a transfer connected with one participant is connected with another one from now on. */
export async function replacePartner(
  client: Queryable,
  participantId: string,
  byId: string,
): Promise<void> {
  await client.query(
    `update room_participants set leg = leg || jsonb_build_object('transferOf', $2::text)
     where workspace_id = (select workspace_id from room_participants where id = $1)
       and left_at is null and leg ->> 'transferOf' = $1`,
    [participantId, byId],
  );
}

/** Calls that were moved out of a room and go on. */
export async function listMovedFrom(client: Queryable, roomId: string): Promise<string[]> {
  const rows = await selectRows<{ callId: string }>(
    client,
    `select distinct p.call_id from room_participants p join calls c on c.id = p.call_id
     where p.room_id = $1 and p.leave_reason = 'moved' and c.status = 'in-progress'`,
    [roomId],
  );
  return rows.map(({ callId }) => callId);
}
