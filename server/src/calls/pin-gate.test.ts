import { describe, expect, it } from 'vitest';
import { agentConfigSchema } from '../agents/agent-config.ts';
import { pinAgent, PinGate, type PinResult } from './pin-gate.ts';

function press(gate: PinGate, keys: string): PinResult | undefined {
  return keys
    .split('')
    .map((key) => gate.press(key))
    .at(-1);
}

describe('a PIN', () => {
  it('opens with its last digit, with or without the pound key', () => {
    expect(press(new PinGate('1234'), '123')).toBe('waiting');
    expect(press(new PinGate('1234'), '1234')).toBe('open');
    expect(press(new PinGate('1'), '1')).toBe('open');
  });

  it('may be wrong twice and not three times', () => {
    const gate = new PinGate('1234');
    expect(press(gate, '12#')).toBe('wrong');
    expect(press(gate, '9999')).toBe('wrong');
    expect(press(gate, '1235')).toBe('refused');
    expect(press(new PinGate('1234'), '9999')).toBe('wrong');
  });

  it('may be begun anew with the star key; the pound key alone is no try', () => {
    const gate = new PinGate('1234');
    expect(press(gate, '99*1234')).toBe('open');
    const other = new PinGate('1234');
    expect(press(other, '####')).toBe('waiting');
    expect(press(other, '1234')).toBe('open');
  });

  it('is asked for in the agent’s own voice', () => {
    const agent = agentConfigSchema.parse({ name: 'a', type: 'llm', tts: { voice: 'awb' } });
    expect(pinAgent(agent)).toMatchObject({ tts: { voice: 'awb' }, recording: false });
  });
});
