import { z } from 'zod';
import { callQuality } from '../../calls/call-quality.ts';

const way = {
  packets: z.number().int(),
  lost: z.number().int().nullable(),
  loss_percent: z.number().nullable(),
  jitter_ms: z.number().nullable().describe('RFC 3550 §6.4.1, at the end of the call.'),
  delay_ms: z
    .number()
    .nullable()
    .describe('Estimated, mouth to ear: half of the round trip where known, packets and buffer.'),
  mos: z
    .number()
    .nullable()
    .describe('Mean opinion score from 1 to 4.5, estimated by the E-model (ITU-T G.107).'),
};

export const callQualitySchema = z
  .object({
    codec: z.string().nullable(),
    encryption: z.string().nullable().describe('Suite of SRTP; null: not encrypted.'),
    round_trip_ms: z.number().nullable().describe('By RTCP; null: the far end sends no reports.'),
    received: z
      .object({
        ...way,
        late: z.number().int().describe('Came too late to be played; counted in the loss.'),
        duplicate: z.number().int(),
      })
      .nullable()
      .describe('From the far end to us; null: nothing came.'),
    sent: z
      .object(way)
      .nullable()
      .describe('From us to the far end, by its RTCP reports; null: nothing left.'),
  })
  .meta({ id: 'CallQuality' });

/** Of what is stored of a call's media. */
export function callQualityView(media: unknown): z.output<typeof callQualitySchema> | null {
  const quality = callQuality(media);
  if (!quality) return null;
  const { codec, encryption, roundTripMs, received, sent } = quality;
  return {
    codec,
    encryption,
    round_trip_ms: roundTripMs,
    received: received && {
      ...wayView(received),
      late: received.late,
      duplicate: received.duplicate,
    },
    sent: sent && wayView(sent),
  };
}

function wayView({
  packets,
  lost,
  lossPercent,
  jitterMs,
  delayMs,
  mos,
}: NonNullable<NonNullable<ReturnType<typeof callQuality>>['sent']>) {
  return {
    packets,
    lost,
    loss_percent: lossPercent,
    jitter_ms: jitterMs,
    delay_ms: delayMs,
    mos,
  };
}
