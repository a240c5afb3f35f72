import { SIPMediaConfig } from '@livekit/protocol';
import { describe, expect, it } from 'vitest';
import { mediaFields } from './trunk-media.ts';

function codecsOf(names: string[], onlyListedCodecs: boolean): unknown {
  const codecs = names.map((name) => ({ name, rate: 8_000 }));
  return mediaFields(new SIPMediaConfig({ codecs, onlyListedCodecs }), undefined).codecs;
}

describe('`media.codecs`', () => {
  it('puts what is spoken in order, and brings G.722 and Opus only where it names them', () => {
    expect(codecsOf(['PCMA'], false)).toEqual(['PCMA', 'PCMU']);
    expect(codecsOf(['g722', 'PCMU'], false)).toEqual(['G722', 'PCMU', 'PCMA']);
    expect(codecsOf(['AMR'], false)).toBeUndefined();
    expect(codecsOf([], false)).toBeUndefined();
  });

  it('is all that is spoken with `only_listed_codecs`', () => {
    expect(codecsOf(['opus', 'AMR'], true)).toEqual(['OPUS']);
    expect(() => codecsOf(['AMR'], true)).toThrow('PCMU, PCMA, G722, OPUS');
  });
});
