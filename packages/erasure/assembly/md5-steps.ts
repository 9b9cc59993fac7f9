/**
 * One MD5 step for the four lanes of a vector: the new `a`. `summand` is the block's word plus the step's constant. What needs only
 * the older words is computed apart from `b`, the newest, for which each step waits.
 */
export class Md5Step {
  @inline static round1(a: v128, b: v128, c: v128, d: v128, summand: v128, shift: i32): v128 {
    const mixed = v128.xor(d, v128.and(b, v128.xor(c, d)));
    return Md5Step.turn(i32x4.add(i32x4.add(a, summand), mixed), b, shift);
  }

  @inline static round2(a: v128, b: v128, c: v128, d: v128, summand: v128, shift: i32): v128 {
    const older = i32x4.add(i32x4.add(a, summand), v128.andnot(c, d));
    return Md5Step.turn(i32x4.add(older, v128.and(b, d)), b, shift);
  }

  @inline static round3(a: v128, b: v128, c: v128, d: v128, summand: v128, shift: i32): v128 {
    const mixed = v128.xor(b, v128.xor(c, d));
    return Md5Step.turn(i32x4.add(i32x4.add(a, summand), mixed), b, shift);
  }

  @inline static round4(a: v128, b: v128, c: v128, d: v128, summand: v128, shift: i32): v128 {
    const mixed = v128.xor(c, v128.or(b, v128.not(d)));
    return Md5Step.turn(i32x4.add(i32x4.add(a, summand), mixed), b, shift);
  }

  @inline static turn(sum: v128, b: v128, shift: i32): v128 {
    return i32x4.add(b, v128.or(i32x4.shl(sum, shift), i32x4.shr_u(sum, 32 - shift)));
  }
}
