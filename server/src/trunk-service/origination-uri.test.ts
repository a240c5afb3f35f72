import { describe, expect, it } from 'vitest';
import { addressOf, parseOriginationUri, requestUriOf } from './origination-uri.ts';

describe('an origination URI', () => {
  it.each([
    ['sip.example.com', 'sip.example.com', 5060, 'udp', 'sip:+14155550123@sip.example.com'],
    [
      'sip.example.com:5080',
      'sip.example.com',
      5080,
      'udp',
      'sip:+14155550123@sip.example.com:5080',
    ],
    ['192.0.2.1', '192.0.2.1', 5060, 'udp', 'sip:+14155550123@192.0.2.1'],
    ['[2001:db8::1]:5062', '2001:db8::1', 5062, 'udp', 'sip:+14155550123@[2001:db8::1]:5062'],
    [
      'a.example;transport=tcp',
      'a.example',
      5060,
      'tcp',
      'sip:+14155550123@a.example;transport=tcp',
    ],
    [
      'a.example;transport=TLS',
      'a.example',
      5061,
      'tls',
      'sip:+14155550123@a.example;transport=tls',
    ],
    ['sips:a.example', 'a.example', 5061, 'tls', 'sip:+14155550123@a.example;transport=tls'],
    ['sip:agent@a.example', 'a.example', 5060, 'udp', 'sip:agent@a.example'],
    [' sip:+49301@a.example:5070 ', 'a.example', 5070, 'udp', 'sip:+49301@a.example:5070'],
  ])('%s says where a call goes', (text, host, port, transport, requestUri) => {
    const uri = parseOriginationUri(text);
    expect(uri && addressOf(uri)).toEqual({ host, port, transport });
    expect(uri && requestUriOf(uri, '+14155550123')).toBe(requestUri);
  });

  it.each([
    '',
    'two words',
    'http://a.example',
    'tel:+14155550123',
    'sip:user:secret@a.example',
    'a.example;transport=ws',
    'a.example;lr',
    'a.example?Route=x',
    'a.example:0',
    'sips:a.example;transport=udp',
    'a..example',
    'a.example\r\nVia: x',
  ])('%j is none', (text) => {
    expect(parseOriginationUri(text)).toBeNull();
  });
});
