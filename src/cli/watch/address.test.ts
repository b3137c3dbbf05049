import { expect, test } from 'vitest'
import { readAddress } from './address.ts'

test.each([
  ['http://127.0.0.1:5480', 'http://127.0.0.1:5480/events', 'http://127.0.0.1:5480/'],
  ['HTTPS://db.example/pool', 'https://db.example/pool/events', 'https://db.example/pool/'],
  ['http://[::1]:80/?token=x#top', 'http://[::1]/events', 'http://[::1]/'],
])('%s has its feed at %s', (url, events, place) => {
  expect(readAddress(url, undefined, undefined)).toMatchObject({ events, place })
})

test('the token of the option counts before that of the URL, and that before the one of the environment', () => {
  const url = 'http://localhost:5480/?token=of-the-url'
  const tokens = [
    readAddress(url, 'of-the-option', 'of-the-environment'),
    readAddress(url, undefined, 'of-the-environment'),
    readAddress('http://localhost:5480/', undefined, 'of-the-environment'),
    readAddress('http://localhost:5480/', undefined, ''),
  ].map(({ token }) => token)
  expect(tokens).toEqual(['of-the-option', 'of-the-url', 'of-the-environment', undefined])
})

test.each([
  ['localhost:5480?token=secret-word', 'must begin with http:// or https://'],
  ['postgres://secret-word@localhost/x', 'must begin with http:// or https://'],
  ['http://host:99999/?token=secret-word', 'is not well-formed'],
  ['http://me:secret-word@localhost:5480/', 'must hold no user and no password'],
  ['http://localhost:5480/?token=secret-word%0A', 'visible ASCII'],
])('%s is refused in a sentence that does not repeat it', (url, why) => {
  expect(() => readAddress(url, undefined, undefined)).toThrow(why)
  expect(() => readAddress(url, undefined, undefined)).toThrow(/^(?!.*secret-word)/)
})
