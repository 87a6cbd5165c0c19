package sink

import (
	"reflect"
	"time"
)

// MapTexts returns v with f applied to every text in it. It goes by the types and not by the fields' names: a field
// that is added later is treated too. What it returns shares nothing with v that it would have to change.
func MapTexts(v View, f func(string) string) View {
	out := reflect.New(reflect.TypeFor[View]()).Elem()
	mapInto(out, reflect.ValueOf(v), f)
	return out.Interface().(View)
}

func mapInto(to, from reflect.Value, f func(string) string) {
	switch from.Kind() {
	case reflect.String:
		to.SetString(f(from.String()))
	case reflect.Struct:
		if from.Type() == reflect.TypeFor[time.Time]() {
			to.Set(from)
			return
		}
		for i := range from.NumField() {
			mapInto(to.Field(i), from.Field(i), f)
		}
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			mapInto(to.Index(i), from.Index(i), f)
		}
	case reflect.Map:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
		for key, value := range from.Seq2() {
			k, v := reflect.New(key.Type()).Elem(), reflect.New(value.Type()).Elem()
			mapInto(k, key, f)
			mapInto(v, value, f)
			to.SetMapIndex(k, v)
		}
	default:
		to.Set(from)
	}
}
