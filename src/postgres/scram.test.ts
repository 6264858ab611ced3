import { describe, expect, test } from '@jest/globals';
import { isVerifierOf, scramVerifier } from './scram.ts';

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');

describe('scramVerifier', () => {
  test('is that of RFC 7677 (password pencil)', () => {
    // The RFC gives the client proof; the verifier for the same salt and password as PostgreSQL stores it.
    expect(scramVerifier('pencil', salt)).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });

  test('normalises passwords that are not ASCII', () => {
    expect(scramVerifier('\u2168', salt)).toBe(scramVerifier('IX', salt));
    expect(scramVerifier('a\u00a0b\u00ad', salt)).toBe(scramVerifier('a b', salt));
    expect(scramVerifier('tab\t\u00e9', salt)).not.toBe(scramVerifier('tab\u00e9', salt));
  });
});

describe('isVerifierOf', () => {
  test('recognises its own verifiers, whatever salt and iterations', () => {
    expect(isVerifierOf(scramVerifier('secret', salt, 10), 'secret')).toBe(true);
    expect(isVerifierOf(scramVerifier('secret', salt), 'Secret')).toBe(false);
  });

  test.each(['', 'md53175bce1d3201d16594cebf9d7eb3f9d', 'SCRAM-SHA-256$0:AA==$AA==:AA==', 'SCRAM-SHA-256$4096:$:'])(
    'is false for %j',
    (stored) => {
      expect(isVerifierOf(stored, 'secret')).toBe(false);
    },
  );
});
