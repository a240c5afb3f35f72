import type { Message, MessageType } from '@bufbuild/protobuf';
import type { LiveKitCaller, Needed } from './grants.ts';

/** Around a request: who asks, and under which id. */
export interface TwirpCall {
  caller: LiveKitCaller;
  /** `X-LiveKit-Request-Id`: the same over a client's own retries. */
  requestId: string | null;
  /** Aborted when the client has gone away. */
  signal: AbortSignal;
  /** Says what was asked for and has no effect here, in a header of the answer. */
  notice(text: string): void;
}

/** One remote procedure, as the route calls it: JSON or bytes in, JSON or bytes out. */
export interface TwirpMethod {
  decodeJson(json: unknown): Decoded;
  decodeBinary(bytes: Uint8Array): Decoded;
}

/** A request that was read, with what it needs and what it does. */
export interface Decoded {
  needs: Needed;
  /** For the check of what cannot be stored. */
  json(): unknown;
  run(call: TwirpCall): Promise<EncodedAnswer>;
}

export interface EncodedAnswer {
  json(): unknown;
  binary(): Uint8Array;
}

/** Procedures by `livekit.Service/Method`. */
export type TwirpMethods = Record<string, TwirpMethod>;

/** A procedure from its request's message type. */
export function twirpMethod<Request extends Message<Request>>(options: {
  request: MessageType<Request>;
  needs: Needed | ((request: Request) => Needed);
  run: (request: Request, call: TwirpCall) => Promise<EncodedMessage>;
}): TwirpMethod {
  const { request: type, needs, run } = options;
  const decoded = (request: Request): Decoded => ({
    needs: typeof needs === 'function' ? needs(request) : needs,
    json: () => request.toJson(),
    run: async (call) => {
      const answer = await run(request, call);
      return {
        // As LiveKit's server writes it: the names of the protocol file, with every default.
        json: () => answer.toJson({ emitDefaultValues: true, useProtoFieldName: true }),
        binary: () => answer.toBinary(),
      };
    },
  });
  return {
    // Both key cases are read; fields of a newer protocol pass.
    decodeJson: (json) => decoded(type.fromJson(json as never, { ignoreUnknownFields: true })),
    decodeBinary: (bytes) => decoded(type.fromBinary(bytes)),
  };
}

/** What an answer must be able to do; every message can. */
export interface EncodedMessage {
  toJson(options: { emitDefaultValues: boolean; useProtoFieldName: boolean }): unknown;
  toBinary(): Uint8Array;
}
