import { describe, expect, it } from 'vitest';
import { parseCseq } from './parse-cseq.ts';
import { formatNameAddr, parseNameAddr } from './parse-name-addr.ts';
import { formatUri, parseUri, uriEquals } from './parse-uri.ts';
import { formatVia, parseVia } from './parse-via.ts';

describe('parseUri', () => {
  it('RFC 3261 §19.1.1: takes every part apart', () => {
    const uri = parseUri('sips:alice:se%20cret@Example.com:5061;transport=TCP;LR?subject=a%26b&x=');
    expect(uri).toEqual({
      scheme: 'sips',
      user: 'alice',
      password: 'se cret',
      host: 'Example.com',
      port: 5061,
      params: new Map([
        ['transport', 'TCP'],
        ['lr', null],
      ]),
      headers: new Map([
        ['subject', 'a&b'],
        ['x', ''],
      ]),
    });
  });

  it('RFC 4475 §3.1.1.9: semicolon, question mark and slash may stand in the user', () => {
    expect(parseUri('sip:user;par=u%40example.net?/x@example.com')).toMatchObject({
      user: 'user;par=u@example.net?/x',
      host: 'example.com',
    });
  });

  it.each([
    ['sip:[2001:db8::10]', '2001:db8::10', null],
    ['sip:[2001:db8::10]:5070', '2001:db8::10', 5070],
    ['sip:[::ffff:192.0.2.10]:5070;lr', '::ffff:192.0.2.10', 5070],
  ])('T02 T01 RFC 5118 §4: reads %s', (text, host, port) => {
    const uri = parseUri(text);
    expect(uri).toMatchObject({ host, port });
    expect(uri && formatUri(uri)).toBe(text);
  });

  it('T02 RFC 3966: reads a tel URI and its parameters', () => {
    const text = 'tel:+1-201-555-0123;phone-context=example.com';
    const uri = parseUri(text);
    expect(uri).toMatchObject({ scheme: 'tel', user: '+1-201-555-0123', host: '', port: null });
    expect(uri && formatUri(uri)).toBe(text);
  });

  it.each([
    '',
    'sip:',
    'sip:@example.com',
    'sip:a@',
    'sip:a@b@c',
    'sip:a@example.com:0',
    'sip:a@example.com:65536',
    'sip:a@example.com:50x',
    'sip:a@2001:db8::10',
    'sip:a@[2001:db8::10',
    'sip:a@[not-an-address]',
    'sip:a b@example.com',
    'sip:a@example.com;;lr',
    'sip:a@example.com?x',
    'sip:%zz@example.com',
    'sip:a@exa%mple.com',
    'sip:a@example.com\r\nVia: x',
    '<sip:a@example.com>',
    'tel:',
    'tel:+-()',
    'tel:abc!',
    'http://example.com',
  ])('refuses %j', (text) => {
    expect(parseUri(text)).toBeNull();
  });

  it('RFC 4475 §3.1.1.4: an escaped control character is legal, and stays escaped', () => {
    const uri = parseUri('sip:null-%00-%1b%7f%20@example.com;p=%00?h=%0d');
    expect(uri).toMatchObject({
      user: 'null-%00-%1b%7f ',
      params: new Map([['p', '%00']]),
      headers: new Map([['h', '%0d']]),
    });
  });

  it('escapes what a part may not hold', () => {
    const uri = parseUri('sip:x@example.com');
    if (!uri) throw new Error('not read');
    uri.user = 'a@b:c é\r\n';
    uri.params.set('p;q', 'x=y');
    expect(formatUri(uri)).toBe('sip:a%40b%3Ac%20%C3%A9%0D%0A@example.com;p%3Bq=x%3Dy');
  });
});

describe('uriEquals', () => {
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
  ])('RFC 3261 §19.1.4: %s equals %s', (a, b) => {
    expect(uriEquals(a, b)).toBe(true);
    expect(uriEquals(b, a)).toBe(true);
  });

  it.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
    ['sip:a@b', 'nonsense'],
    ['nonsense', 'nonsense'],
  ])('RFC 3261 §19.1.4: %s does not equal %s', (a, b) => {
    expect(uriEquals(a, b)).toBe(false);
    expect(uriEquals(b, a)).toBe(false);
  });
});

describe('parseNameAddr', () => {
  it.each([
    ['<sip:a@b>', null, 'sip:a@b', {}],
    ['"A \\"quoted\\" name" <sip:a@b;x=1>;tag=9', 'A "quoted" name', 'sip:a@b;x=1', { tag: '9' }],
    ['Mr Watson<sip:a@b> ; tag = 5 ; flag', 'Mr Watson', 'sip:a@b', { tag: '5', flag: null }],
    ['sip:a@b;tag=7', null, 'sip:a@b', { tag: '7' }],
    ['Jörg (Büro) <sip:a@b>', 'Jörg (Büro)', 'sip:a@b', {}],
    ['""<sip:a@b>', '', 'sip:a@b', {}],
    ['<sip:a@b>;x="q;u,o\\"te"', null, 'sip:a@b', { x: '"q;u,o\\"te"' }],
    ['isbn:2983792873', null, 'isbn:2983792873', {}],
  ])('reads %s', (value, displayName, uri, params) => {
    expect(parseNameAddr(value)).toEqual({
      displayName,
      uri,
      params: new Map(Object.entries(params)),
    });
  });

  it.each([
    '',
    '*',
    '"unbalanced <sip:a@b>',
    'Bell, Alexander <sip:a@b>',
    '<sip:a@b',
    '< sip:a@b >',
    '<>',
    'alan@example.com',
    '"a" b <sip:a@b>',
    'sip:a@b?x=y',
    'sip:a@b,sip:c@d',
    '<sip:a@b>;;;',
    '<sip:a@b> trailing',
    '<sip:a@b>;tag=a b',
  ])('refuses %j', (value) => {
    expect(parseNameAddr(value)).toBeNull();
  });

  it('keeps the first of two parameters of one name', () => {
    expect(parseNameAddr('<sip:a@b>;tag=1;TAG=2')?.params.get('tag')).toBe('1');
  });

  it('writes a name that cannot break out of its quotes', () => {
    const text = formatNameAddr({
      displayName: 'x" <sip:evil@e>\\',
      uri: 'sip:a@b',
      params: new Map([['tag', '1']]),
    });
    expect(text).toBe('"x\\" <sip:evil@e>\\\\" <sip:a@b>;tag=1');
    expect(parseNameAddr(text)?.displayName).toBe('x" <sip:evil@e>\\');
  });
});

describe('parseVia', () => {
  it('RFC 3261 §20.42: reads white space around every separator', () => {
    const via = parseVia(
      'SIP  /   2.0  /  udp     [2001:db8::9:1] : 5070  ; branch = z9hG4bK1 ; ttl=1',
    );
    expect(via).toEqual({
      transport: 'UDP',
      host: '2001:db8::9:1',
      port: 5070,
      branch: 'z9hG4bK1',
      received: null,
      rport: null,
      params: new Map([['ttl', '1']]),
    });
  });

  it('T03 RFC 3581 §3: tells a wish for rport from its value', () => {
    expect(parseVia('SIP/2.0/UDP a;rport')?.rport).toBe('requested');
    expect(parseVia('SIP/2.0/UDP a;rport=9988;received=192.0.2.1')).toMatchObject({
      rport: 9988,
      received: '192.0.2.1',
    });
  });

  it('RFC 5118 §4.5: reads received with and without brackets', () => {
    expect(parseVia('SIP/2.0/UDP a;received=[2001:db8::1]')?.received).toBe('2001:db8::1');
    expect(parseVia('SIP/2.0/UDP a;received=2001:db8::1')?.received).toBe('2001:db8::1');
  });

  it('is the same after a round trip', () => {
    const text =
      'SIP/2.0/TCP [2001:db8::9]:5070;branch=z9hG4bK1;rport=5;received=2001:db8::1;x="y z"';
    const via = parseVia(text);
    expect(via && formatVia(via)).toBe(text);
  });

  it.each([
    '',
    'SIP/2.0/UDP',
    'SIP/3.0/UDP a',
    'HTTP/2.0/UDP a',
    'SIP/2.0/UDP a b;branch=x',
    'SIP/2.0/UDP a;;branch=x',
    'SIP/2.0/UDP a:99999',
    'SIP/2.0/UDP a;rport=x',
    'SIP/2.0/UDP a;rport=0',
    'SIP/2.0/UDP ;branch=x',
  ])('refuses %j', (value) => {
    expect(parseVia(value)).toBeNull();
  });
});

describe('parseCseq', () => {
  it('RFC 3261 §8.1.1.5: takes numbers below 2^31', () => {
    expect(parseCseq(' 0009   INVITE')).toEqual({ sequence: 9, method: 'INVITE' });
    expect(parseCseq('2147483647 BYE')?.sequence).toBe(2_147_483_647);
    expect(parseCseq('2147483648 BYE')).toBeNull();
  });

  it.each(['', '1', 'INVITE', '-1 INVITE', '1 IN VITE', '1.5 INVITE', '1 INVITE;x'])(
    'refuses %j',
    (value) => {
      expect(parseCseq(value)).toBeNull();
    },
  );
});
