// units.h - physical quantities that the compiler checks.
//
// A Quantity is a double in SI base units with its dimension in the type: Bytes / BytesPerSecond is Seconds,
// and adding bytes to seconds does not compile. The base units are second, byte, op (one add or one multiply;
// a multiply-accumulate is 2 ops), joule, US dollar and square millimetre.
#pragma once

#include <compare>

namespace memwall {

template <int S, int B, int O, int J, int D, int A>
struct Quantity {
  double value = 0;

  constexpr Quantity() = default;
  constexpr explicit Quantity(double base_units) : value(base_units) {}
  constexpr auto operator<=>(const Quantity&) const = default;

  constexpr Quantity& operator+=(Quantity other) { return value += other.value, *this; }
  constexpr Quantity& operator-=(Quantity other) { return value -= other.value, *this; }
  constexpr Quantity& operator*=(double factor) { return value *= factor, *this; }
  constexpr Quantity& operator/=(double divisor) { return value /= divisor, *this; }
};

// A ratio or a count: implicit to and from double, so that Bytes / Bytes is an ordinary number.
template <>
struct Quantity<0, 0, 0, 0, 0, 0> {
  double value = 0;
  constexpr Quantity() = default;
  constexpr Quantity(double number) : value(number) {}
  constexpr operator double() const { return value; }
};

template <int S, int B, int O, int J, int D, int A>
constexpr Quantity<S, B, O, J, D, A> operator+(Quantity<S, B, O, J, D, A> a, Quantity<S, B, O, J, D, A> b) {
  return Quantity<S, B, O, J, D, A>(a.value + b.value);
}
template <int S, int B, int O, int J, int D, int A>
constexpr Quantity<S, B, O, J, D, A> operator-(Quantity<S, B, O, J, D, A> a, Quantity<S, B, O, J, D, A> b) {
  return Quantity<S, B, O, J, D, A>(a.value - b.value);
}
template <int S, int B, int O, int J, int D, int A>
constexpr Quantity<S, B, O, J, D, A> operator*(Quantity<S, B, O, J, D, A> a, double factor) {
  return Quantity<S, B, O, J, D, A>(a.value * factor);
}
template <int S, int B, int O, int J, int D, int A>
constexpr Quantity<S, B, O, J, D, A> operator*(double factor, Quantity<S, B, O, J, D, A> a) {
  return Quantity<S, B, O, J, D, A>(a.value * factor);
}
template <int S, int B, int O, int J, int D, int A>
constexpr Quantity<S, B, O, J, D, A> operator/(Quantity<S, B, O, J, D, A> a, double divisor) {
  return Quantity<S, B, O, J, D, A>(a.value / divisor);
}
template <int S, int B, int O, int J, int D, int A>
constexpr Quantity<-S, -B, -O, -J, -D, -A> operator/(double number, Quantity<S, B, O, J, D, A> a) {
  return Quantity<-S, -B, -O, -J, -D, -A>(number / a.value);
}
template <int S1, int B1, int O1, int J1, int D1, int A1, int S2, int B2, int O2, int J2, int D2, int A2>
constexpr Quantity<S1 + S2, B1 + B2, O1 + O2, J1 + J2, D1 + D2, A1 + A2> operator*(
    Quantity<S1, B1, O1, J1, D1, A1> a, Quantity<S2, B2, O2, J2, D2, A2> b) {
  return Quantity<S1 + S2, B1 + B2, O1 + O2, J1 + J2, D1 + D2, A1 + A2>(a.value * b.value);
}
template <int S1, int B1, int O1, int J1, int D1, int A1, int S2, int B2, int O2, int J2, int D2, int A2>
constexpr Quantity<S1 - S2, B1 - B2, O1 - O2, J1 - J2, D1 - D2, A1 - A2> operator/(
    Quantity<S1, B1, O1, J1, D1, A1> a, Quantity<S2, B2, O2, J2, D2, A2> b) {
  return Quantity<S1 - S2, B1 - B2, O1 - O2, J1 - J2, D1 - D2, A1 - A2>(a.value / b.value);
}

using Ratio = Quantity<0, 0, 0, 0, 0, 0>;  // a fraction, factor or count
using Seconds = Quantity<1, 0, 0, 0, 0, 0>;
using Hertz = Quantity<-1, 0, 0, 0, 0, 0>;
using Bytes = Quantity<0, 1, 0, 0, 0, 0>;
using BytesPerSecond = Quantity<-1, 1, 0, 0, 0, 0>;
using Ops = Quantity<0, 0, 1, 0, 0, 0>;
using OpsPerSecond = Quantity<-1, 0, 1, 0, 0, 0>;
using OpsPerByte = Quantity<0, -1, 1, 0, 0, 0>;
using Joules = Quantity<0, 0, 0, 1, 0, 0>;
using Watts = Quantity<-1, 0, 0, 1, 0, 0>;
using JoulesPerByte = Quantity<0, -1, 0, 1, 0, 0>;
using JoulesPerOp = Quantity<0, 0, -1, 1, 0, 0>;
using Usd = Quantity<0, 0, 0, 0, 1, 0>;
using UsdPerSecond = Quantity<-1, 0, 0, 0, 1, 0>;
using SquareMillimetres = Quantity<0, 0, 0, 0, 0, 1>;

// The exponents of a quantity as a value, for text that is read at run time.
struct Dimension {
  int second = 0, byte = 0, op = 0, joule = 0, usd = 0, mm2 = 0;
  constexpr bool operator==(const Dimension&) const = default;
};

template <int S, int B, int O, int J, int D, int A>
constexpr Dimension dimension_of(Quantity<S, B, O, J, D, A>) {
  return Dimension{S, B, O, J, D, A};
}

}  // namespace memwall
