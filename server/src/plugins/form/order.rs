//! The order in which a schema's author wrote the settings: a JSON object forgets it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// The properties of an object, in the order of the text, each with its own.
#[derive(Default)]
pub(super) struct Order(Vec<(String, Order)>);

impl Order {
    /// The order of a schema; none where it is no JSON.
    pub(super) fn of(schema: &str) -> Self {
        serde_json::from_str::<Schema>(schema).map(|it| it.0).unwrap_or_default()
    }

    /// The order inside a property.
    pub(super) fn inside(&self, name: &str) -> Option<&Self> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, order)| order)
    }

    /// Where a property stands.
    pub(super) fn rank(&self, name: &str) -> usize {
        self.0.iter().position(|(it, _)| it == name).unwrap_or(usize::MAX)
    }
}

/// A schema, of which nothing but the order is read.
struct Schema(Order);

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SchemaVisitor).map(Self)
    }
}

struct SchemaVisitor;

impl<'de> Visitor<'de> for SchemaVisitor {
    type Value = Order;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schema")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Order, A::Error> {
        let mut order = Order::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == "properties" {
                order = map.next_value::<Properties>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(order)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Order, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Order::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_unit<E>(self) -> Result<Order, E> {
        Ok(Order::default())
    }
}

/// What stands under `properties`.
struct Properties(Order);

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(PropertiesVisitor).map(Self)
    }
}

struct PropertiesVisitor;

impl<'de> Visitor<'de> for PropertiesVisitor {
    type Value = Order;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the properties of a schema")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Order, A::Error> {
        let mut order = Order::default();
        while let Some((name, Schema(inside))) = map.next_entry::<String, Schema>()? {
            order.0.push((name, inside));
        }
        Ok(order)
    }
}
