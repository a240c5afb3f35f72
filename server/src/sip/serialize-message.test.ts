import { describe, expect, it } from 'vitest';
import type { SipRequest, SipResponse } from './message.ts';
import { serializeMessage } from './serialize-message.ts';

const request: SipRequest = {
  kind: 'request',
  method: 'INFO',
  uri: 'sip:a@b',
  headers: [
    { name: 'Content-length', value: '99' },
    { name: 'Subject', value: 'é' },
  ],
  body: 'né',
};
const response: SipResponse = {
  kind: 'response',
  status: 200,
  reason: 'OK',
  headers: [],
  body: '',
};

describe('serializeMessage', () => {
  it('sets Content-Length to the bytes of the body', () => {
    expect(serializeMessage(request).toString()).toBe(
      'INFO sip:a@b SIP/2.0\r\nSubject: é\r\nContent-Length: 3\r\n\r\nné',
    );
    expect(serializeMessage(response).toString()).toBe(
      'SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
    );
  });

  it.each([
    ['header value', { ...request, headers: [{ name: 'X', value: 'a\r\nVia: evil' }] }],
    ['header value', { ...request, headers: [{ name: 'X', value: 'a\nb' }] }],
    ['header name', { ...request, headers: [{ name: 'X\r\nY', value: '' }] }],
    ['header name', { ...request, headers: [{ name: '', value: '' }] }],
    ['method', { ...request, method: 'INVITE sip:evil SIP/2.0\r\n' }],
    ['Request-URI', { ...request, uri: 'sip:a@b SIP/2.0\r\nVia: evil' }],
    ['Request-URI', { ...request, uri: '' }],
    ['reason', { ...response, reason: 'OK\r\nVia: evil' }],
    ['status', { ...response, status: 1000 }],
  ])('refuses a %s that would break the message', (_what, message) => {
    expect(() => serializeMessage(message)).toThrow(TypeError);
  });
});
