//! `sum` and `avg` that are right or an error (decision 0015).
//!
//! The query engine (DataFusion 54) adds up values in the type that they have, and wraps around. Here integers and durations are added up
//! as decimals of 38 digits, and decimals as those of 76, which no number of rows can exceed; a result beyond its type is an error. An
//! average of integers, which is a float, is the float next to the exact quotient.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Decimal256Array, Float64Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, Decimal256Type, DecimalType, i256};
use arrow::util::display::FormatOptions;
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{not_impl_err, plan_err};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Coercion, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature, TypeSignature, TypeSignatureClass, Volatility,
};
use datafusion::scalar::ScalarValue;

/// Values that do not fit are errors.
const STRICT: CastOptions<'static> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// The digits of decimals of which 10^19 fit into 76.
const SUMMED_DIGITS: u8 = DECIMAL256_MAX_PRECISION - 19;
/// The decimals as which integers are averaged, which gives four more digits after the point. A float has 17 digits, and of an average
/// that is not zero the first one stands among the first 20: more rows than 10^20 there are not.
const AVERAGED: DataType = DataType::Decimal256(DECIMAL256_MAX_PRECISION, 36);

/// Returns the functions that take the place of those of the query engine.
pub(super) fn exact_sums() -> [AggregateUDF; 2] {
    let (sum, avg) = (sum_udaf(), avg_udaf());
    let (of_sum, of_avg) = (sum.signature().clone(), with_integers(avg.signature()));
    [(sum, of_sum), (avg, of_avg)].map(|(wrapping, signature)| AggregateUDF::from(ExactSum { wrapping, signature }))
}

/// Returns a signature that takes integers as they are. The query engine would average them as floats, which forget small numbers beside
/// large ones.
fn with_integers(others: &Signature) -> Signature {
    let integer = TypeSignature::Coercible(vec![Coercion::new_exact(TypeSignatureClass::Integer)]);
    Signature::one_of(vec![integer, others.type_signature.clone()], Volatility::Immutable)
}

/// A function of the query engine that is given values of a wider type.
#[derive(PartialEq, Eq, Hash)]
struct ExactSum {
    wrapping: Arc<AggregateUDF>,
    signature: Signature,
}

/// Errors of the query engine name a function so.
impl fmt::Debug for ExactSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wrapping.inner().fmt(f)
    }
}

impl ExactSum {
    /// Returns the fields of the arguments and of the result of the function that is called; none if the given ones are wide enough.
    fn widened(&self, arguments: &[FieldRef], result: &FieldRef) -> DfResult<Option<(Vec<FieldRef>, FieldRef)>> {
        let Some(wide) = arguments.first().and_then(|first| wide_type(first.data_type(), result.data_type())) else {
            return Ok(None);
        };
        let with = |field: &FieldRef, kind| Arc::new(Field::clone(field).with_data_type(kind));
        let result = with(result, self.wrapping.return_type(std::slice::from_ref(&wide))?);
        Ok(Some((vec![with(&arguments[0], wide)], result)))
    }
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        self.wrapping.name()
    }

    fn aliases(&self) -> &[String] {
        self.wrapping.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> DfResult<DataType> {
        if let [DataType::Decimal256(digits, scale)] = kinds
            && *digits > SUMMED_DIGITS
        {
            return plan_err!(
                "{} of a decimal({digits}, {scale}) may not fit: at most {SUMMED_DIGITS} digits can be added up",
                self.name()
            );
        }
        self.wrapping.return_type(kinds)
    }

    fn accumulator(&self, of: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        let Some((fields, return_field)) = self.widened(of.expr_fields, &of.return_field)? else {
            return self.wrapping.accumulator(of);
        };
        let kinds = Kinds::of(&fields, &of.return_field);
        let wide = self.wrapping.accumulator(AccumulatorArgs { return_field, expr_fields: &fields, ..of })?;
        Ok(Box::new(Narrowed { wide, kinds }))
    }

    fn create_sliding_accumulator(&self, of: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        if of.is_distinct {
            return not_impl_err!("{}(distinct …) over rows that move along", self.name());
        }
        let Some((fields, return_field)) = self.widened(of.expr_fields, &of.return_field)? else {
            return self.wrapping.create_sliding_accumulator(of);
        };
        let kinds = Kinds::of(&fields, &of.return_field);
        let wide =
            self.wrapping.create_sliding_accumulator(AccumulatorArgs { return_field, expr_fields: &fields, ..of })?;
        Ok(Box::new(Narrowed { wide, kinds }))
    }

    fn groups_accumulator_supported(&self, of: AccumulatorArgs<'_>) -> bool {
        match self.widened(of.expr_fields, &of.return_field) {
            Ok(Some((fields, return_field))) => {
                self.wrapping.groups_accumulator_supported(AccumulatorArgs { return_field, expr_fields: &fields, ..of })
            }
            Ok(None) => self.wrapping.groups_accumulator_supported(of),
            Err(_) => false,
        }
    }

    fn create_groups_accumulator(&self, of: AccumulatorArgs<'_>) -> DfResult<Box<dyn GroupsAccumulator>> {
        let Some((fields, return_field)) = self.widened(of.expr_fields, &of.return_field)? else {
            return self.wrapping.create_groups_accumulator(of);
        };
        let kinds = Kinds::of(&fields, &of.return_field);
        let wide =
            self.wrapping.create_groups_accumulator(AccumulatorArgs { return_field, expr_fields: &fields, ..of })?;
        Ok(Box::new(Narrowed { wide, kinds }))
    }

    fn state_fields(&self, of: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        match self.widened(of.input_fields, &of.return_field)? {
            Some((fields, return_field)) => {
                self.wrapping.state_fields(StateFieldsArgs { return_field, input_fields: &fields, ..of })
            }
            None => self.wrapping.state_fields(of),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.wrapping.order_sensitivity()
    }

    fn set_monotonicity(&self, kind: &DataType) -> SetMonotonicity {
        self.wrapping.inner().set_monotonicity(kind)
    }
}

/// Returns the type in which values of a type are added up; `None` if they are added up as they are.
fn wide_type(kind: &DataType, result: &DataType) -> Option<DataType> {
    match kind {
        kind if kind.is_integer() && result.is_floating() => Some(AVERAGED),
        DataType::Duration(_) => Some(DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)),
        kind if kind.is_integer() => Some(DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)),
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            Some(DataType::Decimal256(DECIMAL256_MAX_PRECISION, *scale))
        }
        _ => None,
    }
}

/// The types of a sum.
#[derive(Debug)]
struct Kinds {
    /// The type in which values are added up.
    wide: DataType,
    /// The type of the result.
    result: DataType,
}

impl Kinds {
    fn of(arguments: &[FieldRef], result: &FieldRef) -> Self {
        Self { wide: arguments[0].data_type().clone(), result: result.data_type().clone() }
    }

    fn widen(&self, values: &[ArrayRef]) -> DfResult<Vec<ArrayRef>> {
        values.iter().map(|values| by_number(values, &self.wide)).collect()
    }

    fn narrow(&self, values: &ArrayRef) -> DfResult<ArrayRef> {
        match values.as_primitive_opt::<Decimal256Type>() {
            Some(averages) if self.result == DataType::Float64 => nearest_floats(averages),
            _ => by_number(values, &self.result),
        }
    }
}

/// Returns the floats next to decimals. A cast divides one float by another, which rounds twice.
fn nearest_floats(decimals: &Decimal256Array) -> DfResult<ArrayRef> {
    let float = |decimal: Option<i256>| {
        let written =
            decimal.map(|decimal| Decimal256Type::format_decimal(decimal, decimals.precision(), decimals.scale()));
        written.map(|written| written.parse::<f64>()).transpose()
    };
    let floats = decimals.iter().map(float).collect::<Result<Float64Array, _>>();
    Ok(Arc::new(floats.map_err(|error| DataFusionError::External(Box::new(error)))?))
}

/// Casts values to another type. A duration is the number of its units.
fn by_number(values: &ArrayRef, to: &DataType) -> DfResult<ArrayRef> {
    let is_duration = |kind: &DataType| matches!(kind, DataType::Duration(_));
    if is_duration(values.data_type()) || is_duration(to) {
        let numbers = cast_with_options(values, &DataType::Int64, &STRICT)?;
        return Ok(cast_with_options(&numbers, to, &STRICT)?);
    }
    Ok(cast_with_options(values, to, &STRICT)?)
}

/// Adds up values in a wide type and returns the sum in a narrow one.
#[derive(Debug)]
struct Narrowed<A> {
    wide: A,
    kinds: Kinds,
}

impl Accumulator for Narrowed<Box<dyn Accumulator>> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.wide.update_batch(&self.kinds.widen(values)?)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.wide.retract_batch(&self.kinds.widen(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.wide.supports_retract_batch()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.wide.merge_batch(states)
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        self.wide.state()
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        let sum = self.kinds.narrow(&self.wide.evaluate()?.to_array()?)?;
        ScalarValue::try_from_array(&sum, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.wide.size()
    }
}

impl GroupsAccumulator for Narrowed<Box<dyn GroupsAccumulator>> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> DfResult<()> {
        self.wide.update_batch(&self.kinds.widen(values)?, groups, filter, count)
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> DfResult<()> {
        self.wide.merge_batch(states, groups, filter, count)
    }

    fn evaluate(&mut self, emit: EmitTo) -> DfResult<ArrayRef> {
        self.kinds.narrow(&self.wide.evaluate(emit)?)
    }

    fn state(&mut self, emit: EmitTo) -> DfResult<Vec<ArrayRef>> {
        self.wide.state(emit)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> DfResult<Vec<ArrayRef>> {
        self.wide.convert_to_state(&self.kinds.widen(values)?, filter)
    }

    fn supports_convert_to_state(&self) -> bool {
        self.wide.supports_convert_to_state()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.wide.size()
    }
}
